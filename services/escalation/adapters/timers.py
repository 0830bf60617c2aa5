"""Durable timers: for each shard a loop that sleeps until the earliest one and fires what is due, once.

The database's clock decides what is due. A timer is late by as long as the consumer is behind, never early.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import text

from services.escalation.adapters.apart import by_halves
from services.escalation.adapters.guard import Guard
from services.escalation.app.fire_due_timers import fire_due_timers
from services.escalation.app.ports import Lateness, ServiceLevels, TicketKey, Tracking
from services.escalation.app.settling import Firing
from services.escalation.domain.audit import PUT_OFF
from services.escalation.domain.clock_record import PROVISIONAL
from shared.clock import Clock, monotonic
from shared.db.bells import ShardBells
from shared.db.engine import SURROUNDINGS, LockTimeout
from shared.db.group_commit import GroupCommit
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.errors import StaleEpoch, TransientError, WaypostError
from shared.ids import IdFactory
from shared.telemetry.logging import told_of
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.wakeups import Wakeup

log = structlog.get_logger()

_BATCH = 500
"""Tickets of one commit, of all shards together."""
_CONTENDED_S = 0.02
_UNCONFIRMED_S = 0.25
"""Between two looks at breaches that only wait to be confirmed."""
_NAP_S = 1.0
_LATE = timedelta(seconds=1)

_DUE = text(
    # What waits to be confirmed is left out where nothing can confirm it: it is not to stand before all others.
    "SELECT s.n, d.workspace_id, d.ticket_id FROM unnest(CAST(:shards AS smallint[]),"
    " CAST(:untils AS timestamptz[]), CAST(:unsure AS boolean[])) AS s (n, until, is_unsure),"
    " LATERAL (SELECT workspace_id, ticket_id, due_at FROM timer WHERE shard = s.n AND due_at <= s.until"
    " AND NOT (s.is_unsure AND kind = 'escalation' AND due_at > s.until - CAST(:patience AS interval))"
    " ORDER BY due_at LIMIT :most) d ORDER BY d.due_at LIMIT :most"
)
_NEXT = text(
    "SELECT s.n, (SELECT min(due_at) FROM timer WHERE shard = s.n) AS due_at"
    " FROM unnest(CAST(:shards AS smallint[])) AS s (n)"
)
_PUT_OFF_TIMERS = text(
    "UPDATE timer SET due_at = CAST(:until AS timestamptz) WHERE workspace_id = :workspace AND ticket_id = :ticket"
    " AND due_at < CAST(:until AS timestamptz)"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Turn:
    """A shard's turn: what was due takes effect, and then it is looked at when something is due again.

    fires: otherwise it is only looked
    known_at: by the monotonic clock when it was asked whether everything that had happened is known, and it was;
    none: it is asked. is_unsure: nobody can say; what is due by now is fired all the same
    tickets: only these, where any are named
    """

    shard: Shard
    fires: bool = True
    known_at: float | None = None
    is_unsure: bool = False
    tickets: tuple[TicketKey, ...] = ()

    def until(self, now: datetime, at: float) -> datetime:
        """What was due by then is fired. now, at: the database's clock and ours, read together"""
        return now if self.known_at is None else now - timedelta(seconds=max(0.0, at - self.known_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What came of a turn: whether anything had an effect, and when, as of `now`, something is due again."""

    now: datetime
    has_fired: bool
    next_at: datetime | None


class _Unread(TransientError):
    """Nothing was fired: not everything that happened before is known yet."""


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
        self._turns: GroupCommit[_Turn, _Done] = GroupCommit(self._commit, most=database.shards)
        self._lateness = metrics.histogram("timer_lateness_seconds", "How late timers fired.", "kind")
        self._provisional = metrics.counter("timers_unconfirmed", "Rounds that did not wait for the consumer.")

    async def run(self, shard: Shard) -> None:
        """Fires until the shard is drained. Raises StaleEpoch and TransientError."""
        # Once now: the first question to the broker takes longer than any other.
        await self._guard.has_passed(shard)
        with self._bells.hung(shard) as bell:
            done: _Done | None = None
            while not shard.draining.is_set():
                if done is None:
                    done = await self._look(shard)
                elif done.next_at is not None and done.next_at <= max(done.now, self._clock.now()):
                    done = await self._fire(shard, bell)
                elif not await self._bells.sleep(shard, done.next_at, self._clock):
                    done = None

    async def _look(self, shard: Shard) -> _Done:
        self._bells.wakes(shard)
        return await self._turns.submit(_Turn(shard=shard, fires=False))

    async def _fire(self, shard: Shard, bell: Wakeup) -> _Done | None:
        """Fires what is due by now; none where somebody has to look again."""
        self._bells.wakes(shard)
        turn = _Turn(shard=shard)
        try:
            done = await self._take_turn(turn)
        except _Unread:
            # This shard waits for its consumer, and no other does.
            asked_at = monotonic()
            is_confirmed = await self._guard.has_passed(shard)
            if shard.draining.is_set():
                return None
            if not is_confirmed:
                self._provisional.inc()
            self._bells.wakes(shard)
            turn = replace(turn, known_at=asked_at if is_confirmed else None, is_unsure=not is_confirmed)
            done = await self._take_turn(turn)
        if done.has_fired:
            return done
        if done.next_at is not None and done.next_at > done.now:
            # Our reading of the database's clock is ahead of it; it may have been set back.
            await bell.wait(min((done.next_at - done.now).total_seconds(), _NAP_S))
        else:
            # Somebody else is at work on it, or what it waits for is not read.
            await bell.wait(_UNCONFIRMED_S if turn.is_unsure else _CONTENDED_S)
        return None

    async def _take_turn(self, turn: _Turn) -> _Done:
        """Fires a batch; a ticket that cannot be is found, put off, and the rest goes on."""
        try:
            return await self._turns.submit(turn)
        except Exception as error:
            if isinstance(error, SURROUNDINGS):
                raise
        done = await by_halves(
            await self._due(turn),
            lambda tickets: self._turns.submit(replace(turn, tickets=tuple(tickets))),
            partial(self._put_off, turn.shard),
        )
        return replace(await self._look(turn.shard), has_fired=any(part.has_fired for part in done))

    async def _due(self, turn: _Turn) -> Sequence[TicketKey]:
        async def unit(tx: Tx) -> Sequence[TicketKey]:
            return list(await _due(tx, {turn: await tx.now()}))

        return await self._database.transact(unit, claims=[turn.shard.n])

    async def _commit(self, turns: Sequence[_Turn]) -> Sequence[_Done | WaypostError]:
        """What came of each turn: `_Unread` where something waits to be read, which others do not wait for."""
        asked = {turn.shard.n for turn in turns if turn.fires and turn.known_at is None and not turn.is_unsure}
        asked_at = monotonic()
        passed = await self._guard.passed(asked) if asked else asked
        unread = asked - passed
        done = iter(
            await self._commit_read(
                [
                    replace(turn, known_at=asked_at) if turn.shard.n in passed else turn
                    for turn in turns
                    if turn.shard.n not in unread
                ]
            )
        )
        return [_Unread() if turn.shard.n in unread else next(done) for turn in turns]

    async def _commit_read(self, turns: Sequence[_Turn]) -> Sequence[_Done | WaypostError]:
        if not turns:
            return []
        try:
            return await self._commit_together(turns)
        except (StaleEpoch, LockTimeout) as refused:
            if len(turns) == 1:
                return [refused]
            # One of these shards is another's by now, or somebody holds a row of it: each for itself.
            return [done for turn in turns for done in await self._commit_read([turn])]

    async def _commit_together(self, turns: Sequence[_Turn]) -> Sequence[_Done]:
        async def unit(tx: Tx) -> tuple[Mapping[TicketKey, Sequence[Lateness]], Sequence[_Done]]:
            at, now = monotonic(), await tx.now()
            until = {turn: turn.until(now, at) for turn in turns if turn.fires}
            due = await _due(tx, until)
            fired: Mapping[TicketKey, Sequence[Lateness]] = {}
            if due:
                await tx.admit({key[0] for key in due})
                firings = {
                    key: Firing(until=until[turn], is_confirmed=not turn.is_unsure) for key, turn in due.items()
                }
                fired = await self._fired(tx, firings)
            at_work = {due[key].shard.n for key, effects in fired.items() if effects}
            found = await tx.execute(_NEXT, {"shards": [turn.shard.n for turn in turns]})
            next_at = {row.n: row.due_at for row in found}
            return fired, [
                _Done(now=now, has_fired=turn.shard.n in at_work, next_at=next_at[turn.shard.n]) for turn in turns
            ]

        fired, done = await self._database.transact(
            unit,
            claims=[turn.shard.n for turn in turns],
            fences=[turn.shard.fence for turn in turns if turn.fires],
        )
        self._observe(lateness for group in fired.values() for lateness in group)
        return done

    async def _fired(self, tx: Tx, firings: Mapping[TicketKey, Firing]) -> Mapping[TicketKey, Sequence[Lateness]]:
        return await fire_due_timers(firings, tx=tx, tracking=self._tracking, levels=self._levels, ids=self._ids)

    async def _put_off(self, shard: Shard, key: TicketKey, error: Exception) -> None:
        log.error(Log.TIMER_FAILED, workspace=key[0], ticket=str(key[1]), **told_of(error))

        async def unit(tx: Tx) -> None:
            until = await tx.now() + PUT_OFF
            await tx.execute(_PUT_OFF_TIMERS, {"workspace": key[0], "ticket": key[1], "until": until})

        await self._database.transact(unit, workspaces=[key[0]], fence=shard.fence)

    def _observe(self, fired: Iterable[Lateness]) -> None:
        for lateness in fired:
            late = lateness.fired_at - lateness.due_at
            self._lateness.labels(lateness.kind).observe(late.total_seconds())
            if late > _LATE:
                log.warning(Log.TIMER_LATE, kind=lateness.kind, lateness_ms=round(late.total_seconds() * 1000))


async def _due(tx: Tx, until: Mapping[_Turn, datetime]) -> Mapping[TicketKey, _Turn]:
    """The tickets that turns fire, in due order, the first of all shards together."""
    by_shard = {turn.shard.n: turn for turn in until if not turn.tickets}
    due = {key: turn for turn in until for key in turn.tickets}
    if by_shard:
        asked = {
            "shards": list(by_shard),
            "untils": [until[turn] for turn in by_shard.values()],
            "unsure": [turn.is_unsure for turn in by_shard.values()],
            "patience": PROVISIONAL,
            "most": _BATCH,
        }
        for row in await tx.execute(_DUE, asked):
            due[row.workspace_id, row.ticket_id] = by_shard[row.n]
    return due
