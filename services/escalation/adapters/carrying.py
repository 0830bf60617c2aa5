"""Carries open tickets over to a new version of their workspace's service levels, some at a time."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import text

from services.escalation.adapters.apart import by_halves
from services.escalation.app.carry_policies import carry_policies
from services.escalation.app.ports import ServiceLevels, TicketKey, Tracking, Watches
from services.escalation.domain.watch import queue_watch, queues_of
from shared.clock import monotonic
from shared.db.bells import ShardBells
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.ids import IdFactory
from shared.telemetry.logging import told_of
from shared.telemetry.names import Log

log = structlog.get_logger()

_BATCH = 25
"""Tickets of one commit. Few, so that timers that are due meanwhile need not wait for many."""
_POLL_S = 30.0
_STRAGGLING_S = 20.0
"""Longer than a transaction that knew of no new version may last: then it is looked once more what it has left."""

_LATEST = text("SELECT workspace_id, max(version) AS version FROM policy_version WHERE shard = :shard GROUP BY 1")
_BEHIND = text(
    "SELECT t.policy_version, t.ticket_id FROM tracked_ticket t WHERE t.workspace_id = :workspace AND t.is_live"
    " AND t.policy_version < :version AND (t.policy_version, t.ticket_id) > (:after_version, :after_ticket)"
    " ORDER BY t.policy_version, t.ticket_id LIMIT :most"
)


class Place(NamedTuple):
    """A ticket in the order in which they are carried: those that are furthest behind first."""

    version: int
    ticket_id: UUID


_START = Place(-1, UUID(int=0))

Carry = Callable[[str, int, Place], Awaitable[Place | None]]
"""Carries some tickets of a workspace to a version, after a place; the last of them, none where there are none."""


async def in_turn(behind: Mapping[str, int], carry: Carry) -> AsyncIterator[str]:
    """Has some tickets carried of each workspace in turn; workspaces as they are done."""
    waiting = deque((workspace_id, version, _START) for workspace_id, version in behind.items())
    while waiting:
        workspace_id, version, after = waiting.popleft()
        last = await carry(workspace_id, version, after)
        if last:
            waiting.append((workspace_id, version, last))
        else:
            yield workspace_id


class Carrying:
    """Looks, for each shard, for open tickets that are measured by an old version."""

    def __init__(
        self,
        database: Database,
        tracking: Tracking,
        watches: Watches,
        levels: ServiceLevels,
        bells: ShardBells,
        *,
        ids: IdFactory,
    ) -> None:
        self._database = database
        self._tracking = tracking
        self._watches = watches
        self._levels = levels
        self._bells = bells
        self._ids = ids

    async def run(self, shard: Shard) -> None:
        """Carries until the shard is drained. Raises StaleEpoch and TransientError."""
        carried: dict[str, tuple[int, float]] = {}
        done: dict[str, int] = {}
        with self._bells.hung(shard) as bell:
            while not shard.draining.is_set():
                latest = await self._latest(shard)
                behind = {each: version for each, version in latest.items() if done.get(each, 0) < version}
                # Some tickets of each in turn: nobody waits until all of somebody else's are carried.
                async for workspace_id in in_turn(behind, partial(self._carry, shard)):
                    version = behind[workspace_id]
                    before, at = carried.get(workspace_id, (0, 0.0))
                    if before < version:
                        await self._look_at_queues(shard, workspace_id)
                        carried[workspace_id] = version, monotonic()
                    elif monotonic() - at > _STRAGGLING_S:
                        done[workspace_id] = version
                await bell.wait(_POLL_S)

    async def _latest(self, shard: Shard) -> dict[str, int]:
        async def unit(tx: Tx) -> dict[str, int]:
            return {row.workspace_id: row.version for row in await tx.execute(_LATEST, {"shard": shard.n})}

        return await self._database.transact(unit, claims=[shard.n])

    async def _look_at_queues(self, shard: Shard, workspace_id: str) -> None:
        """Has everything looked at that is watched, or is watched from now on."""

        async def unit(tx: Tx) -> None:
            latest = (await self._levels.load(tx, [workspace_id]))[workspace_id].latest
            now = await tx.now()
            await self._watches.look_at_all(tx, workspace_id, now)
            queues = {queue_watch(workspace_id, queue) for queue in queues_of(latest.triggers)}
            await self._watches.look(tx, queues, now)

        await self._database.transact(unit, workspaces=[workspace_id], fence=shard.fence)

    async def _carry(self, shard: Shard, workspace_id: str, version: int, after: Place) -> Place | None:
        """Carries some tickets after a place; the last of them. None are where the shard is to be given up."""
        if shard.draining.is_set():
            return None
        behind = await self._behind(workspace_id, version, after)
        if not behind:
            return None
        keys = [(workspace_id, place.ticket_id) for place in behind]
        await by_halves(keys, partial(self._carry_all, shard), self._leave)
        return behind[-1]

    async def _behind(self, workspace_id: str, version: int, after: Place) -> Sequence[Place]:
        asked = {
            "workspace": workspace_id,
            "version": version,
            "after_version": after.version,
            "after_ticket": after.ticket_id,
            "most": _BATCH,
        }

        async def unit(tx: Tx) -> Sequence[Place]:
            return [Place(row.policy_version, row.ticket_id) for row in await tx.execute(_BEHIND, asked)]

        return await self._database.transact(unit, workspaces=[workspace_id])

    async def _carry_all(self, shard: Shard, keys: Sequence[TicketKey]) -> None:
        async def unit(tx: Tx) -> None:
            await carry_policies(keys, tx=tx, tracking=self._tracking, levels=self._levels, ids=self._ids)

        await self._database.transact(unit, workspaces={key[0] for key in keys}, fence=shard.fence)

    async def _leave(self, key: TicketKey, error: Exception) -> None:
        """It stays by the old version, until there is another one or this process is started again."""
        log.error(Log.POLICY_NOT_CARRIED, workspace=key[0], ticket=str(key[1]), **told_of(error))
