"""Looks at queues and KPIs: for each shard a loop that sleeps until somebody has to look.

As with timers the database's clock decides, and everything that has happened by then is read first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import text

from services.escalation.adapters.apart import by_halves
from services.escalation.adapters.guard import Guard
from services.escalation.app.look_at_watches import look_at_watches
from services.escalation.app.ports import ServiceLevels, Tracking, Watches, WatchKey
from shared.clock import Clock
from shared.db.bells import ShardBells
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.ids import IdFactory
from shared.telemetry.logging import told_of
from shared.telemetry.names import Log

log = structlog.get_logger()

_BATCH = 200
_CONTENDED_S = 0.02
_PUT_OFF = timedelta(minutes=1)
_DUE = text(
    "SELECT workspace_id, subject FROM watch WHERE shard = :shard AND look_at <= :now ORDER BY look_at LIMIT :most"
)
_PUT_OFF_LOOK = text(
    "UPDATE watch SET look_at = CAST(:until AS timestamptz) WHERE workspace_id = :workspace AND subject = :subject"
)
_NEXT = text("SELECT min(look_at) FROM watch WHERE shard = :shard")


@dataclass(frozen=True, slots=True)
class _Due:
    """What has to be looked at; when the next one has to be, where nothing has."""

    keys: Sequence[WatchKey]
    next_at: datetime | None


class Watching:
    """Looks at everything that is watched in the shards that this process holds."""

    def __init__(
        self,
        database: Database,
        watches: Watches,
        tracking: Tracking,
        levels: ServiceLevels,
        guard: Guard,
        bells: ShardBells,
        *,
        clock: Clock,
        ids: IdFactory,
    ) -> None:
        self._database = database
        self._watches = watches
        self._tracking = tracking
        self._levels = levels
        self._guard = guard
        self._bells = bells
        self._clock = clock
        self._ids = ids

    async def run(self, shard: Shard) -> None:
        """Looks until the shard is drained. Raises StaleEpoch and TransientError."""
        with self._bells.hung(shard) as bell:
            while not shard.draining.is_set():
                self._bells.wakes(shard)
                due = await self._due(shard)
                if not due.keys:
                    await self._bells.sleep(shard, due.next_at, self._clock)
                    continue
                await self._guard.has_passed(shard)
                if shard.draining.is_set():
                    break
                looked = await by_halves(due.keys, partial(self._look, shard), partial(self._put_off, shard))
                if not any(looked):
                    await bell.wait(_CONTENDED_S)

    async def _due(self, shard: Shard) -> _Due:
        async def unit(tx: Tx) -> _Due:
            found = await tx.execute(_DUE, {"shard": shard.n, "now": await tx.now(), "most": _BATCH})
            keys = [(row.workspace_id, row.subject) for row in found]
            return _Due(keys, None if keys else (await tx.execute(_NEXT, {"shard": shard.n})).scalar_one())

        return await self._database.transact(unit, claims=[shard.n])

    async def _look(self, shard: Shard, keys: Sequence[WatchKey]) -> int:
        async def unit(tx: Tx) -> int:
            return await look_at_watches(
                keys, tx=tx, watches=self._watches, tracking=self._tracking, levels=self._levels, ids=self._ids
            )

        return await self._database.transact(unit, workspaces={key[0] for key in keys}, fence=shard.fence)

    async def _put_off(self, shard: Shard, key: WatchKey, error: Exception) -> None:
        log.error(Log.TIMER_FAILED, workspace=key[0], watch=key[1], **told_of(error))

        async def unit(tx: Tx) -> None:
            until = await tx.now() + _PUT_OFF
            await tx.execute(_PUT_OFF_LOOK, {"workspace": key[0], "subject": key[1], "until": until})

        await self._database.transact(unit, workspaces=[key[0]], fence=shard.fence)
