"""Carries open tickets over to a new version of their workspace's service levels, some at a time."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial

from sqlalchemy import text

from services.escalation.app.carry_policies import carry_policies
from services.escalation.app.ports import ServiceLevels, TicketKey, Tracking, Watches
from services.escalation.domain.watch import queue_watch, queues_of
from shared.db.bells import ShardBells
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.ids import IdFactory

_BATCH = 25
"""Tickets of one commit. Few, so that timers that are due meanwhile need not wait for many."""
_POLL_S = 30.0

_LATEST = text("SELECT workspace_id, max(version) AS version FROM policy_version WHERE shard = :shard GROUP BY 1")
_BEHIND = text(
    "SELECT t.workspace_id, t.ticket_id FROM tracked_ticket t WHERE t.workspace_id = :workspace"
    " AND t.policy_version < :version AND t.is_live ORDER BY t.policy_version LIMIT :most"
)


async def in_turn(behind: Mapping[str, int], carry: Callable[[str, int], Awaitable[bool]]) -> AsyncIterator[str]:
    """Has some tickets carried of each workspace in turn; workspaces as they are done."""
    waiting = deque(behind.items())
    while waiting:
        workspace_id, version = waiting.popleft()
        if await carry(workspace_id, version):
            waiting.append((workspace_id, version))
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
        done: dict[str, int] = {}
        with self._bells.hung(shard) as bell:
            while not shard.draining.is_set():
                latest = await self._latest(shard)
                behind = {each: version for each, version in latest.items() if done.get(each, 0) < version}
                # Some tickets of each in turn: nobody waits until all of somebody else's are carried.
                async for workspace_id in in_turn(behind, partial(self._carry, shard)):
                    await self._look_at_queues(shard, workspace_id)
                    done[workspace_id] = behind[workspace_id]
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

    async def _carry(self, shard: Shard, workspace_id: str, version: int) -> bool:
        """Carries some tickets; whether there are more. None are where the shard is to be given up."""

        async def unit(tx: Tx) -> bool:
            behind = {"workspace": workspace_id, "version": version, "most": _BATCH}
            keys: list[TicketKey] = [
                (row.workspace_id, row.ticket_id) for row in await tx.execute(_BEHIND, behind)
            ]
            if keys:
                await carry_policies(keys, tx=tx, tracking=self._tracking, levels=self._levels, ids=self._ids)
            return bool(keys)

        has_carried = await self._database.transact(unit, workspaces=[workspace_id], fence=shard.fence)
        return has_carried and not shard.draining.is_set()
