"""Notifications in PostgreSQL: added with what they tell of, tried again by hand, forgotten after a while."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, text

from services.escalation.adapters.telling import rows, tables
from services.escalation.adapters.waking import wake
from services.escalation.domain.notification import Notification, NotificationState, tried_again
from shared.db.bells import ShardBells
from shared.db.housekeeping import Chore, delete_portion
from shared.db.sets import insert_set, transposed
from shared.db.unit_of_work import Tx
from shared.errors import Conflict, IllegalTransition, NotFound
from shared.events.catalog import shard_of
from shared.ids import IdFactory

_ADD = insert_set(tables.notification, rows.NOTIFICATION)
_LOCKED = text(
    "SELECT n.*, e.state AS escalation_state, EXISTS (SELECT 1 FROM notification i"
    " WHERE i.workspace_id = n.workspace_id AND i.instead_of = n.notification_id) AS is_replaced"
    " FROM notification n JOIN LATERAL (SELECT e.state FROM escalation e"
    " WHERE e.workspace_id = n.workspace_id AND e.escalation_id = n.escalation_id OFFSET 0) AS e ON true"
    " WHERE n.workspace_id = :workspace AND n.notification_id = :id FOR UPDATE OF n"
)
_UNREACHED = (NotificationState.FAILED, NotificationState.DISABLED)


class NotificationBook:
    """Adds notifications, and wakes whoever sends them."""

    def __init__(self, shards: int, bells: ShardBells) -> None:
        self._shards = shards
        self._bells = bells

    async def add(self, tx: Tx, notifications: Sequence[Notification]) -> None:
        """Stores them; they are sent once this is committed."""
        if not notifications:
            return
        added = [rows.notification_row(item, shard_of(item.workspace_id, self._shards)) for item in notifications]
        await tx.execute(_ADD, transposed(added, rows.NOTIFICATION))
        await wake(tx, self._bells, dict.fromkeys(sorted({int(str(row["shard"])) for row in added})))

    async def retry(self, tx: Tx, workspace_id: str, notification_id: UUID, ids: IdFactory) -> UUID:
        """Tells somebody once more by the way that has failed; what takes the failed notification's place.

        Raises NotFound, IllegalTransition where it has not failed or its escalation is over, Conflict where
        another one has taken its place already.
        """
        found = await tx.execute(_LOCKED, {"workspace": workspace_id, "id": notification_id})
        row = found.mappings().one_or_none()
        if row is None:
            raise NotFound
        failed = rows.to_notification(row)
        if failed.state not in _UNREACHED:
            raise IllegalTransition("Only what has failed is tried again.")
        if row["escalation_state"] == "resolved":
            raise IllegalTransition("The escalation is resolved.")
        if row["is_replaced"]:
            raise Conflict("Another notification has taken its place.")
        again = tried_again(failed, ids.new(), await tx.now())
        await self.add(tx, [again])
        return again.notification_id


def over(table: Table, shard: int, before: datetime) -> ColumnElement[bool]:
    """What of a shard has been over since before a moment."""
    return and_(table.c.shard == shard, table.c.finished_at < before)


def forgetting(days: int, shard: int) -> Sequence[Chore]:
    """Chores that forget what has been over for so many days: notifications, messages and their attempts.

    Also who wanted to be left alone and does not any more.
    """

    async def notifications(tx: Tx) -> bool:
        before = await tx.now() - timedelta(days=days)
        return await delete_portion(tx, tables.notification, over(tables.notification, shard, before))

    async def messages(tx: Tx) -> bool:
        before = await tx.now() - timedelta(days=days)
        return await delete_portion(tx, tables.message, over(tables.message, shard, before))

    async def wishes(tx: Tx) -> bool:
        return await delete_portion(tx, tables.left_alone, tables.left_alone.c.until < await tx.now())

    return notifications, messages, wishes
