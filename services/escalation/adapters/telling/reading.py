"""What people ask to see: who was told of what, and with what success."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, and_, func, select, text

from services.escalation.adapters.telling import tables
from services.escalation.domain.notification import NotificationState
from shared.db.unit_of_work import Tx
from shared.errors import NotFound

_ATTEMPTS = text("SELECT * FROM attempt WHERE workspace_id = :workspace AND message_id = :message ORDER BY number")
_N, _M = tables.notification.c, tables.message.c
_NOTIFICATIONS = select(
    tables.notification,
    func.coalesce(_M.attempts, 0).label("attempts"),
    func.coalesce(_M.next_attempt_at, _N.send_at).label("next_attempt_at"),
    func.coalesce(_N.detail, _M.detail).label("why"),
).select_from(
    tables.notification.outerjoin(
        tables.message, and_(_M.workspace_id == _N.workspace_id, _M.message_id == _N.message_id)
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFilter:
    """Which notifications are asked for; none: whatever it is."""

    state: NotificationState | None = None
    escalation_id: UUID | None = None
    ticket_id: UUID | None = None
    message_id: UUID | None = None
    name: str | None = None


async def notifications(
    tx: Tx, workspace_id: str, wanted: NotificationFilter, before: UUID | None, most: int
) -> Sequence[RowMapping]:
    """Notifications, the newest first."""
    t = tables.notification.c
    query = _NOTIFICATIONS.where(t.workspace_id == workspace_id)
    for name in ("state", "escalation_id", "ticket_id", "message_id", "name"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(t[name] == value)
    if before is not None:
        query = query.where(t.notification_id < before)
    return (await tx.execute(query.order_by(t.notification_id.desc()).limit(most))).mappings().all()


async def notification(
    tx: Tx, workspace_id: str, notification_id: UUID
) -> tuple[RowMapping, Sequence[RowMapping]]:
    """One notification, and the attempts to deliver the message that it is in. Raises NotFound."""
    t = tables.notification.c
    query = _NOTIFICATIONS.where(t.workspace_id == workspace_id, t.notification_id == notification_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound
    wanted = {"workspace": workspace_id, "message": row["message_id"]}
    return row, (await tx.execute(_ATTEMPTS, wanted)).mappings().all()
