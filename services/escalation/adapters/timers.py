"""Durable timers: for each shard a loop that sleeps until the earliest one and fires what is due, once.

The database's clock decides what is due. A timer is late by as long as the consumer is behind, never early.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text

from services.escalation.adapters.guard import Guard
from services.escalation.app.fire_due_timers import fire_due_timers
from services.escalation.app.ports import Lateness, ServiceLevels, TicketKey, Tracking
from services.escalation.app.settling import Firing
from services.escalation.domain.audit import PUT_OFF
from shared.clock import Clock
from shared.db.bells import ShardBells
from shared.db.engine import SURROUNDINGS
from shared.db.group_commit import GroupCommit
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.errors import StaleEpoch, WaypostError
from shared.ids import IdFactory
from shared.telemetry.logging import told_of
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.wakeups import Wakeup

log = structlog.get_logger()

_BATCH = 500
"""Tickets of one commit, of all shards together."""
_LANES = 2
"""Commits that may be under way at once: while the database works on one, we work on the other."""
_CONTENDED_S = 0.02
_UNCONFIRMED_S = 0.25
"""Between two looks at breaches that only wait to be confirmed."""
_LATE = timedelta(seconds=1)

_DUE = text(
    "SELECT s.n, d.workspace_id, d.ticket_id FROM unnest(CAST(:shards AS smallint[])) AS s (n),"
    " LATERAL (SELECT workspace_id, ticket_id, due_at FROM timer"
    " WHERE shard = s.n AND due_at <= :now ORDER BY due_at LIMIT :most) d ORDER BY d.due_at LIMIT :most"
)
_NEXT = text(
    "SELECT s.n, (SELECT min(due_at) FROM timer WHERE shard = s.n) AS due_at"
    " FROM unnest(CAST(:shards AS smallint[])) AS s (n)"
)
_PUT_OFF_TIMERS = text(
    "UPDATE timer SET due_at = CAST(:until AS timestamptz) WHERE workspace_id = :workspace AND ticket_id = :ticket"
    " AND due_at < CAST(:until AS timestamptz)"
)


@dataclass(frozen=True, slots=True)
class _Due:
    """Tickets of a shard with timers that were due at `now`, in due order; where none are, when the next one is.

    is_confirmed: whether everything that happened until then is known
    """

    now: datetime
    tickets: Sequence[TicketKey]
    next_due_at: datetime | None
    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class _Turn:
    """A shard's turn: what was due takes effect, and then it is looked at what is due by now."""

    shard: Shard
    due: _Due | None = None


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of a turn: what is due next, and whether anything had an effect."""

    due: _Due
    has_fired: bool


class Timers:
    """Fires the timers of every shard that this process holds.

    The shards' turns share commits: what is due at nearly the same time costs hardly more than one of it.
    """

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
        self._lanes: Sequence[GroupCommit[_Turn, _Done]] = [
            GroupCommit(self._commit, most=database.shards) for _ in range(_LANES)
        ]
        self._lateness = metrics.histogram("timer_lateness_seconds", "How late timers fired.", "kind")
        self._provisional = metrics.counter("timers_unconfirmed", "Rounds that did not wait for the consumer.")

    async def run(self, shard: Shard) -> None:
        """Fires until the shard is drained. Raises StaleEpoch and TransientError."""
        # Once now: the first question to the broker takes longer than any other.
        await self._guard.has_passed(shard)
        with self._bells.hung(shard) as bell:
            due = None
            while not shard.draining.is_set():
                if due is None:
                    self._bells.wakes(shard)
                    due = (await self._submit(_Turn(shard))).due
                elif due.tickets:
                    due = await self._fire(shard, due, bell)
                else:
                    await self._bells.sleep(shard, due.next_due_at, self._clock)
                    due = None

    async def _fire(self, shard: Shard, due: _Due, bell: Wakeup) -> _Due | None:
        """What is due next; none where somebody has to look again."""
        is_confirmed = await self._guard.has_passed(shard)
        if shard.draining.is_set():
            return None
        if not is_confirmed:
            self._provisional.inc()
        self._bells.wakes(shard)
        done = await self._take_turn(shard, replace(due, is_confirmed=is_confirmed))
        if done.has_fired:
            return done.due
        # Somebody else may be at work on all of these tickets, or what they wait for is not read yet.
        await bell.wait(_CONTENDED_S if is_confirmed else _UNCONFIRMED_S)
        return None

    async def _take_turn(self, shard: Shard, due: _Due) -> _Done:
        """Fires a batch; a ticket that cannot be is found, put off, and the rest goes on."""
        try:
            return await self._submit(_Turn(shard, due))
        except Exception as error:
            if isinstance(error, SURROUNDINGS):
                raise
            if len(due.tickets) > 1:
                middle = len(due.tickets) // 2
                first = await self._take_turn(shard, replace(due, tickets=due.tickets[:middle]))
                second = await self._take_turn(shard, replace(due, tickets=due.tickets[middle:]))
                return replace(second, has_fired=first.has_fired or second.has_fired)
            await self._put_off(shard, due.tickets[0], due.now + PUT_OFF, error)
            return await self._submit(_Turn(shard))

    async def _submit(self, turn: _Turn) -> _Done:
        return await self._lanes[turn.shard.n % _LANES].submit(turn)

    async def _commit(self, turns: Sequence[_Turn]) -> Sequence[_Done | WaypostError]:
        try:
            return await self._commit_together(turns)
        except StaleEpoch as stale:
            if len(turns) == 1:
                return [stale]
            # One of these shards is another's by now: each for itself.
            return [done for turn in turns for done in await self._commit([turn])]

    async def _commit_together(self, turns: Sequence[_Turn]) -> Sequence[_Done]:
        firings = _firings(turns)

        async def unit(tx: Tx) -> tuple[Mapping[TicketKey, Sequence[Lateness]], Mapping[int, _Due]]:
            fired = await self._fired(tx, firings) if firings else {}
            return fired, await _look(tx, [turn.shard.n for turn in turns])

        fired, due = await self._database.transact(
            unit,
            workspaces={key[0] for key in firings},
            claims=[turn.shard.n for turn in turns],
            fences=[turn.shard.fence for turn in turns if turn.due],
        )
        self._observe(lateness for group in fired.values() for lateness in group)
        return [
            _Done(due[turn.shard.n], turn.due is not None and any(fired.get(key) for key in turn.due.tickets))
            for turn in turns
        ]

    async def _fired(self, tx: Tx, firings: Mapping[TicketKey, Firing]) -> Mapping[TicketKey, Sequence[Lateness]]:
        return await fire_due_timers(firings, tx=tx, tracking=self._tracking, levels=self._levels, ids=self._ids)

    async def _put_off(self, shard: Shard, key: TicketKey, until: datetime, error: Exception) -> None:
        """What cannot be fired holds up nothing else, for whatever reason: it ends no process."""
        log.error(Log.TIMER_FAILED, workspace=key[0], ticket=str(key[1]), **told_of(error))
        change = {"workspace": key[0], "ticket": key[1], "until": until}
        await self._database.transact(
            lambda tx: tx.execute(_PUT_OFF_TIMERS, change), workspaces=[key[0]], fence=shard.fence
        )

    def _observe(self, fired: Iterable[Lateness]) -> None:
        for lateness in fired:
            late = lateness.fired_at - lateness.due_at
            self._lateness.labels(lateness.kind).observe(late.total_seconds())
            if late > _LATE:
                log.warning(Log.TIMER_LATE, kind=lateness.kind, lateness_ms=round(late.total_seconds() * 1000))


def _firings(turns: Collection[_Turn]) -> dict[TicketKey, Firing]:
    return {
        key: Firing(until=turn.due.now, is_confirmed=turn.due.is_confirmed)
        for turn in turns
        if turn.due
        for key in turn.due.tickets
    }


async def _look(tx: Tx, shards: Collection[int]) -> Mapping[int, _Due]:
    """What is due by now, by shard: the first of all shards together."""
    now = await tx.now()
    tickets: dict[int, dict[TicketKey, None]] = defaultdict(dict)
    for row in await tx.execute(_DUE, {"shards": list(shards), "now": now, "most": _BATCH}):
        tickets[row.n][row.workspace_id, row.ticket_id] = None
    next_due_at: dict[int, datetime | None] = {}
    if idle := [n for n in shards if n not in tickets]:
        next_due_at = {row.n: row.due_at for row in await tx.execute(_NEXT, {"shards": idle})}
    return {n: _Due(now, list(tickets.get(n, ())), next_due_at.get(n)) for n in shards}
