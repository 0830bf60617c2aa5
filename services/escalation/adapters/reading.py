"""What people ask to see: clocks of a ticket, escalations, notifications."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, and_, func, select, text

from services.escalation.adapters import rows, tables
from services.escalation.app.ports import ServiceLevels
from services.escalation.domain.clock_record import ClockRecord
from services.escalation.domain.notification import NotificationState
from shared.db.unit_of_work import Tx
from shared.errors import NotFound
from shared.vocabulary import EscalationState

_IS_OPENED = text(
    "SELECT state->>'opened' IS NOT NULL AS is_opened FROM tracked_ticket"
    " WHERE workspace_id = :workspace AND ticket_id = :ticket"
)
_CLOCKS = text(
    "SELECT * FROM sla_clock WHERE workspace_id = :workspace AND ticket_id = :ticket ORDER BY started_at, clock_id"
)
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
_ESCALATION = text("SELECT * FROM escalation WHERE workspace_id = :workspace AND escalation_id = :id")


@dataclass(frozen=True, slots=True)
class TicketClocks:
    """The clocks of a ticket as of a moment."""

    now: datetime
    clocks: Sequence[ClockRecord]


async def ticket_clocks(tx: Tx, workspace_id: str, ticket_id: UUID, levels: ServiceLevels) -> TicketClocks:
    """Every clock that a ticket has had. Raises NotFound."""
    wanted = {"workspace": workspace_id, "ticket": ticket_id}
    if not (await tx.execute(_IS_OPENED, wanted)).scalar_one_or_none():
        raise NotFound
    found = (await tx.execute(_CLOCKS, wanted)).mappings().all()
    # After the clocks: the newest version that one of them names is there by now.
    history = (await levels.load(tx, [workspace_id]))[workspace_id]
    return TicketClocks(await tx.now(), [rows.to_clock(row, history) for row in found])


async def escalation(tx: Tx, workspace_id: str, escalation_id: UUID) -> RowMapping:
    """One escalation. Raises NotFound."""
    found = await tx.execute(_ESCALATION, {"workspace": workspace_id, "id": escalation_id})
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    return row


async def escalations(
    tx: Tx, workspace_id: str, state: EscalationState | None, before: UUID | None, most: int
) -> Sequence[RowMapping]:
    """Escalations, the newest first."""
    t = tables.escalation.c
    query = select(tables.escalation).where(t.workspace_id == workspace_id)
    if state is not None:
        query = query.where(t.state == state)
    if before is not None:
        query = query.where(t.escalation_id < before)
    return (await tx.execute(query.order_by(t.escalation_id.desc()).limit(most))).mappings().all()


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
