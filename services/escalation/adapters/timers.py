"""Durable timers: for each shard a loop that sleeps until the earliest one and fires what is due, once.

The database's clock decides what is due. A timer is late by as long as the consumer is behind, never early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text

from services.escalation.adapters.guard import Guard
from services.escalation.app.fire_due_timers import fire_due_timers
from services.escalation.app.ports import Lateness, ServiceLevels, TicketKey, Tracking
from shared.clock import Clock
from shared.db.bells import ShardBells
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.errors import DataRefused, DomainError
from shared.ids import IdFactory
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.wakeups import Wakeup

log = structlog.get_logger()

_BATCH = 500
_POLL_S = 5.0
"""How long a timer can go unnoticed whose hint was lost."""
_NAP_S = 1.0
_LEAST_NAP_S = 0.005
"""Where our reading of the database's clock is ahead of it, a timer is not due yet although it seems to be."""
_CONTENDED_S = 0.02
_UNCONFIRMED_S = 0.25
"""Between two looks at breaches that only wait to be confirmed."""
_LATE = timedelta(seconds=1)
_PUT_OFF = timedelta(minutes=1)

_DUE = text(
    "SELECT workspace_id, ticket_id FROM timer WHERE shard = :shard AND due_at <= :now ORDER BY due_at LIMIT :most"
)
_NEXT = text("SELECT min(due_at) FROM timer WHERE shard = :shard")
_PUT_OFF_TIMERS = text(
    "UPDATE timer SET due_at = CAST(:until AS timestamptz) WHERE workspace_id = :workspace AND ticket_id = :ticket"
    " AND due_at < CAST(:until AS timestamptz)"
)


@dataclass(frozen=True, slots=True)
class _Due:
    """Tickets with timers that were due at `now`, in due order; when the next one is, where none are."""

    now: datetime
    tickets: Sequence[TicketKey]
    next_due_at: datetime | None


class Timers:
    """Fires the timers of every shard that this process holds."""

    def __init__(
        self,
        database: Database,
        tracking: Tracking,
        levels: ServiceLevels,
        guard: Guard,
        bells: ShardBells,
        *,
        clock: Clock,
        ids: IdFactory,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._tracking = tracking
        self._levels = levels
        self._guard = guard
        self._bells = bells
        self._clock = clock
        self._ids = ids
        self._lateness = metrics.histogram("timer_lateness_seconds", "How late timers fired.", "kind")
        self._provisional = metrics.counter("timers_unconfirmed", "Rounds that did not wait for the consumer.")

    async def run(self, shard: Shard) -> None:
        """Fires until the shard is drained. Raises StaleEpoch and TransientError."""
        # Once now: the first question to the broker takes longer than any other.
        await self._guard.has_passed(shard)
        with self._bells.hung(shard) as bell:
            while not shard.draining.is_set():
                self._bells.wakes(shard)
                due = await self._look(shard)
                if due.tickets:
                    await self._fire_due(shard, due, bell)
                else:
                    await self._sleep(shard, bell, due.next_due_at)

    async def _fire_due(self, shard: Shard, due: _Due, bell: Wakeup) -> None:
        is_confirmed = await self._guard.has_passed(shard)
        if shard.draining.is_set():
            return
        if not is_confirmed:
            self._provisional.inc()
        fired = await self._fire(shard, due.tickets, due.now, is_confirmed=is_confirmed)
        if not fired:
            # Somebody else may be at work on all of these tickets, or what they wait for is not read yet.
            await bell.wait(_CONTENDED_S if is_confirmed else _UNCONFIRMED_S)

    async def _look(self, shard: Shard) -> _Due:
        async def unit(tx: Tx) -> _Due:
            now = await tx.now()
            rows = await tx.execute(_DUE, {"shard": shard.n, "now": now, "most": _BATCH})
            tickets = dict.fromkeys((row.workspace_id, row.ticket_id) for row in rows)
            if tickets:
                return _Due(now, list(tickets), None)
            return _Due(now, [], (await tx.execute(_NEXT, {"shard": shard.n})).scalar_one())

        return await self._database.transact(unit, claims=[shard.n])

    async def _sleep(self, shard: Shard, bell: Wakeup, until: datetime | None) -> None:
        """Sleeps until a moment of the database's clock, woken by timers that are due before; at most so long."""
        self._bells.sleeps(shard, until)
        slept_s = 0.0
        while slept_s < _POLL_S and not shard.draining.is_set():
            left_s = _NAP_S if until is None else (until - self._clock.now()).total_seconds()
            if left_s <= 0 and slept_s:
                return
            nap_s = min(max(left_s, _LEAST_NAP_S), _NAP_S)
            if await bell.wait(nap_s):
                return
            slept_s += nap_s

    async def _fire(
        self, shard: Shard, keys: Sequence[TicketKey], until: datetime, *, is_confirmed: bool
    ) -> Sequence[Lateness]:
        """Fires a batch; a ticket that cannot be is found, put off, and the rest goes on."""

        async def unit(tx: Tx) -> Sequence[Lateness]:
            return await fire_due_timers(
                keys,
                until=until,
                is_confirmed=is_confirmed,
                tx=tx,
                tracking=self._tracking,
                levels=self._levels,
                ids=self._ids,
            )

        try:
            fired = await self._database.transact(unit, workspaces={key[0] for key in keys}, fence=shard.fence)
        except (DomainError, DataRefused) as error:
            if len(keys) > 1:
                middle = len(keys) // 2
                first = await self._fire(shard, keys[:middle], until, is_confirmed=is_confirmed)
                return [*first, *await self._fire(shard, keys[middle:], until, is_confirmed=is_confirmed)]
            await self._put_off(shard, keys[0], until + _PUT_OFF, error)
            return []
        for lateness in fired:
            self._observe(lateness)
        return fired

    async def _put_off(self, shard: Shard, key: TicketKey, until: datetime, error: Exception) -> None:
        log.error(Log.TIMER_FAILED, workspace=key[0], ticket=str(key[1]), error=f"{type(error).__name__}: {error}")
        change = {"workspace": key[0], "ticket": key[1], "until": until}
        await self._database.transact(
            lambda tx: tx.execute(_PUT_OFF_TIMERS, change), workspaces=[key[0]], fence=shard.fence
        )

    def _observe(self, lateness: Lateness) -> None:
        late = lateness.fired_at - lateness.due_at
        self._lateness.labels(lateness.kind).observe(late.total_seconds())
        if late > _LATE:
            log.warning(Log.TIMER_LATE, kind=lateness.kind, lateness_ms=round(late.total_seconds() * 1000))
