"""Overrides of rotations, and links to calendars, in PostgreSQL. Nothing is deleted: it says who was on call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, func, select, update

from services.escalation.adapters import tables
from services.escalation.domain.stand_in import StandIn
from shared.db import configuration
from shared.db.sets import insert_set, transposed
from shared.db.unit_of_work import Tx
from shared.errors import NotFound

_STAND_IN = tuple(column.name for column in tables.on_call_override.columns)
_FEED = tuple(column.name for column in tables.on_call_feed.columns)
_ADD = insert_set(tables.on_call_override, _STAND_IN)
_ADD_FEED = insert_set(tables.on_call_feed, _FEED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A calendar that people subscribe to by a link. agent: of whose shifts alone"""

    workspace_id: str
    feed_id: UUID
    rotation: str
    agent: str | None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None


class PostgresRosters:
    """Implements the port `Rosters`."""

    async def lock(self, tx: Tx, workspace_id: str) -> None:
        """Keeps out whoever else changes the workspace's overrides or rotations."""
        await configuration.lock(tx, workspace_id)

    async def stand_ins(
        self, tx: Tx, workspace_id: str, start: datetime, end: datetime, *, rotation: str | None = None
    ) -> Sequence[StandIn]:
        """Those that were or will be in force between two instants."""
        t = tables.on_call_override.c
        query = select(tables.on_call_override).where(
            t.workspace_id == workspace_id,
            t.end_at > start,
            t.start_at < end,
            func.coalesce(t.ended_at, t.end_at) > func.greatest(t.start_at, start),
        )
        if rotation is not None:
            query = query.where(t.rotation == rotation)
        return [to_stand_in(row) for row in (await tx.execute(query)).mappings()]

    async def stand_in(self, tx: Tx, workspace_id: str, override_id: UUID) -> StandIn | None:
        """One of them, whatever became of it."""
        t = tables.on_call_override.c
        query = select(tables.on_call_override).where(t.workspace_id == workspace_id, t.override_id == override_id)
        row = (await tx.execute(query)).mappings().one_or_none()
        return None if row is None else to_stand_in(row)

    async def halves(self, tx: Tx, workspace_id: str, swap_id: UUID) -> Sequence[StandIn]:
        """Both halves of a swap."""
        t = tables.on_call_override.c
        query = select(tables.on_call_override).where(t.workspace_id == workspace_id, t.swap_id == swap_id)
        return [to_stand_in(row) for row in (await tx.execute(query)).mappings()]

    async def newest(
        self, tx: Tx, workspace_id: str, rotation: str | None, before: UUID | None, most: int
    ) -> Sequence[StandIn]:
        """The newest first, also those that never were in force."""
        t = tables.on_call_override.c
        query = select(tables.on_call_override).where(t.workspace_id == workspace_id)
        if rotation is not None:
            query = query.where(t.rotation == rotation)
        if before is not None:
            query = query.where(t.override_id < before)
        found = await tx.execute(query.order_by(t.override_id.desc()).limit(most))
        return [to_stand_in(row) for row in found.mappings()]

    async def add(self, tx: Tx, stand_ins: Sequence[StandIn]) -> None:
        """Stores new ones."""
        rows = ({name: getattr(item, name) for name in _STAND_IN} for item in stand_ins)
        await tx.execute(_ADD, transposed(rows, _STAND_IN))

    async def end(self, tx: Tx, stand_in: StandIn) -> None:
        """Stores that one was ended."""
        t = tables.on_call_override.c
        where = t.workspace_id == stand_in.workspace_id, t.override_id == stand_in.override_id
        change = update(tables.on_call_override).where(*where)
        await tx.execute(change.values(ended_at=stand_in.ended_at, ended_by=stand_in.ended_by))

    async def add_feed(self, tx: Tx, feed: Feed) -> None:
        """Stores a new link."""
        await tx.execute(_ADD_FEED, transposed([{name: getattr(feed, name) for name in _FEED}], _FEED))

    async def feeds(self, tx: Tx, workspace_id: str, before: UUID | None, most: int) -> Sequence[Feed]:
        """Links that are good, the newest first."""
        t = tables.on_call_feed.c
        query = select(tables.on_call_feed).where(t.workspace_id == workspace_id, t.revoked_at.is_(None))
        if before is not None:
            query = query.where(t.feed_id < before)
        found = await tx.execute(query.order_by(t.feed_id.desc()).limit(most))
        return [Feed(**row) for row in found.mappings()]

    async def feed(self, tx: Tx, workspace_id: str, feed_id: UUID) -> Feed:
        """A link that is good. Raises NotFound."""
        t = tables.on_call_feed.c
        where = t.workspace_id == workspace_id, t.feed_id == feed_id, t.revoked_at.is_(None)
        row = (await tx.execute(select(tables.on_call_feed).where(*where))).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such calendar.")
        return Feed(**row)

    async def revoke_feed(self, tx: Tx, workspace_id: str, feed_id: UUID) -> None:
        """Takes a link back. Raises NotFound."""
        await self.feed(tx, workspace_id, feed_id)
        t = tables.on_call_feed.c
        where = t.workspace_id == workspace_id, t.feed_id == feed_id
        await tx.execute(update(tables.on_call_feed).where(*where).values(revoked_at=await tx.now()))


def to_stand_in(row: RowMapping) -> StandIn:
    """An override of its row."""
    return StandIn(**{name: row[name] for name in _STAND_IN})
