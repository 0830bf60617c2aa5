"""The SLA clock: what was promised, how much of it is used up, and every step on the way.

A clock is a pure fold over what happened. Its due time follows from it; timers only wake whoever looks. A
breach is final for its generation: the clock then counts on, overdue, until it ends late.

A clock without a promise is silent: nobody is told of it, and only a promise made later needs what it has seen.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypedDict, Unpack, assert_never
from uuid import UUID

from services.escalation.domain.promise import Measure, OnChange, Promise
from shared.calendar import HORIZON, NoOpening
from shared.errors import IllegalTransition
from shared.vocabulary import Agreement, ClockState, SlaMetric

ZERO = timedelta(0)

NO_TARGET = "no_target"
POLICY_CHANGED = "policy_changed"


class Turn(StrEnum):
    """What a clock does."""

    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    RETARGETED = "retargeted"
    RESTARTED = "restarted"
    BREACHED = "breached"
    MET = "met"
    LATE = "late"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What makes a clock turn: an event, or a change of the configuration, which has no event."""

    at: datetime
    name: str
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of a clock's history: what it did, why, and how it stood afterwards.

    due_at: none while it stands still; of a breach, when the promise was broken
    calendar: of that version of the policy; none around the clock
    """

    turn: Turn
    at: datetime
    cause: str
    event_id: UUID | None
    generation: int
    elapsed: timedelta
    elapsed_wall: timedelta
    due_at: datetime | None
    policy: str
    policy_version: int
    target: timedelta
    calendar: str | None = None


Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaClock:
    """One metric of one ticket, from the event that began it.

    origin: that event; generation: rises with every restart, and every instance of the metric that has a promise
    elapsed, elapsed_wall: up to `running_since`, by the promise's calendar and around the clock
    running_since: none while it stands still, and after its end
    spans: when it ran until `running_since`, since its last restart; none where nobody has kept that
    """

    agreement: Agreement = Agreement.SLA
    metric: SlaMetric
    origin: UUID
    generation: int
    promise: Promise | None
    state: ClockState = ClockState.RUNNING
    started_at: datetime
    elapsed: timedelta = ZERO
    elapsed_wall: timedelta = ZERO
    running_since: datetime | None
    due_at: datetime | None = None
    breached_at: datetime | None = None
    ended_at: datetime | None = None
    history: tuple[Entry, ...] = ()
    spans: tuple[Span, ...] | None = field(default=(), compare=False)

    @property
    def measure(self) -> Measure:
        """What it measures, and for whom."""
        return Measure(self.agreement, self.metric)

    @property
    def is_live(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None

    def elapsed_at(self, instant: datetime) -> tuple[timedelta, timedelta]:
        """Elapsed business and wall time as of a moment not before the last change."""
        return _Count.of(self).up_to(instant)


class _Count(NamedTuple):
    """What of a clock its time and its due time follow from, see there."""

    promise: Promise | None
    elapsed: timedelta
    elapsed_wall: timedelta
    running_since: datetime | None
    breached_at: datetime | None

    @classmethod
    def of(cls, clock: SlaClock) -> "_Count":
        return cls(clock.promise, clock.elapsed, clock.elapsed_wall, clock.running_since, clock.breached_at)

    def up_to(self, instant: datetime) -> tuple[timedelta, timedelta]:
        """Elapsed business and wall time as of a moment not before the last change."""
        if self.running_since is None or instant <= self.running_since:
            return self.elapsed, self.elapsed_wall
        business = self.promise.calendar.elapsed(self.running_since, instant) if self.promise else ZERO
        return self.elapsed + business, self.elapsed_wall + (instant - self.running_since)

    def due_at(self) -> datetime | None:
        """The due time that follows from what is left; a breach keeps its own."""
        if self.promise is None or self.running_since is None:
            return None
        if self.breached_at:
            return self.breached_at
        try:
            return self.promise.calendar.add(self.running_since, max(ZERO, self.promise.target - self.elapsed))
        except NoOpening:
            return self.running_since + HORIZON


def start(
    measure: Measure, origin: UUID, at: datetime, promise: Promise | None, generation: int, why: Why
) -> SlaClock:
    """A clock that begins to run.

    generation: the last one of this measure that had a promise
    """
    clock = SlaClock(
        agreement=measure.agreement,
        metric=measure.metric,
        origin=origin,
        generation=generation + (promise is not None),
        promise=promise,
        started_at=at,
        running_since=at,
    )
    return _turned(clock, Turn.STARTED, replace(why, at=at))


def pause(clock: SlaClock, why: Why) -> SlaClock:
    """The customer has the ball. Raises IllegalTransition where it does not run."""
    if clock.running_since is None:
        raise IllegalTransition(f"The clock is {clock.state}.")
    before = judge(clock, why.at, is_over=False)
    state = ClockState.BREACHED if before.breached_at else ClockState.PAUSED
    return _turned(_accrued(before, why.at), Turn.PAUSED, why, state=state, running_since=None)


def resume(clock: SlaClock, why: Why) -> SlaClock:
    """It runs again. Raises IllegalTransition where it does, or has ended."""
    if clock.running_since is not None or not clock.is_live:
        raise IllegalTransition(f"The clock is {clock.state}.")
    state = ClockState.BREACHED if clock.breached_at else ClockState.RUNNING
    return _turned(clock, Turn.RESUMED, why, state=state, running_since=why.at)


def stop(clock: SlaClock, why: Why, *, is_met: bool) -> SlaClock:
    """It ends: met, late after a breach, or cancelled. Raises IllegalTransition where it has ended."""
    if not clock.is_live:
        raise IllegalTransition(f"The clock is {clock.state}.")
    before = judge(clock, why.at, is_over=False)
    if before.breached_at:
        state, turn = ClockState.BREACHED, Turn.LATE if is_met else Turn.CANCELLED
    else:
        state, turn = (ClockState.MET, Turn.MET) if is_met else (ClockState.CANCELLED, Turn.CANCELLED)
    return _turned(_accrued(before, why.at), turn, why, state=state, running_since=None, ended_at=why.at)


def reopen(clock: SlaClock, promise: Promise | None, why: Why, mode: OnChange = OnChange.CARRY) -> SlaClock:
    """It goes on after its end, as the next generation.

    promise: what holds now; without one the clock keeps its own
    Raises IllegalTransition where it has not ended.
    """
    if clock.is_live:
        raise IllegalTransition(f"The clock is {clock.state}.")
    again = replace(
        clock,
        **_carried(clock, promise, mode) if promise else {},
        promise=promise or clock.promise,
        state=ClockState.RUNNING,
        generation=clock.generation + (promise is not None or clock.promise is not None),
        running_since=why.at,
        breached_at=None,
        ended_at=None,
    )
    if clock.promise is None:
        return _turned(again, Turn.STARTED, why)
    return _turned(again, Turn.RESTARTED if mode is OnChange.RESTART else Turn.RESUMED, why)


def retarget(clock: SlaClock, promise: Promise, why: Why, mode: OnChange = OnChange.CARRY) -> SlaClock:
    """Another promise: what becomes of the elapsed time is for the mode to say; what comes goes by the new one.

    A clock that has breached keeps the promise that was broken. A silent one begins to count. Raises
    IllegalTransition where it has ended, ValueError where it is to be kept.
    """
    if not clock.is_live:
        raise IllegalTransition(f"The clock is {clock.state}.")
    judged = judge(clock, why.at, is_over=False)
    if judged.breached_at:
        return judged
    is_anew = clock.promise is None or mode is OnChange.RESTART
    counted = _counted(judged, why.at)
    if clock.promise is None or mode is not OnChange.CARRY:
        counted = {**counted, **_carried(replace(judged, **counted), promise, mode)}
    changes: _Changes = {**counted, "promise": promise, "generation": clock.generation + is_anew}
    if clock.promise:
        return _turned(judged, Turn.RESTARTED if mode is OnChange.RESTART else Turn.RETARGETED, why, **changes)
    if clock.running_since is not None:
        return _turned(judged, Turn.STARTED, why, **changes)
    # Whoever is told of it hears first where it would lead to, and then that it stands still.
    started: _Changes = {**changes, "state": ClockState.RUNNING, "running_since": why.at}
    return pause(_turned(judged, Turn.STARTED, why, **started), why)


def recomputed(clock: SlaClock, why: Why) -> SlaClock:
    """The clock, due when its calendar says so today: that may be another moment than when it was last looked at.

    Zone data change, and so may code. What was counted until it last turned stays counted.
    """
    if clock.promise is None or not clock.is_live or _Count.of(clock).due_at() == clock.due_at:
        return clock
    # A deadline that has passed by now is never backdated.
    return _turned(_accrued(clock, why.at), Turn.RETARGETED, why)


def with_spans(clock: SlaClock) -> SlaClock | None:
    """The clock with when it ran, as its history tells; none where that does not reach back far enough."""
    if clock.spans is not None:
        return clock
    if not clock.history or clock.history[0].turn is not Turn.STARTED:
        return None
    spans: list[Span] = []
    since = None
    for entry in clock.history:
        match entry.turn:
            case Turn.STARTED if entry.elapsed_wall:
                return None
            case Turn.STARTED | Turn.RESUMED:
                since = entry.at
            case Turn.RESTARTED:
                spans = []
                since = entry.at if entry.due_at else None
            case Turn.PAUSED | Turn.MET | Turn.LATE | Turn.CANCELLED if since:
                spans.append((since, entry.at))
                since = None
            case _:
                pass
    if since and clock.running_since:
        spans.append((since, clock.running_since))
    return replace(clock, spans=tuple(spans))


def judge(clock: SlaClock, until: datetime, *, is_over: bool = True) -> SlaClock:
    """The clock after it was judged up to a moment: breached where its due time has passed.

    is_over: whether that moment itself has passed; an answer exactly at the due time still meets the promise
    """
    due_at, promise = clock.due_at, clock.promise
    if due_at is None or promise is None or clock.breached_at:
        return clock
    if due_at > until or (due_at == until and not is_over):
        return clock
    if clock.elapsed_at(due_at)[0] < promise.target:
        # A calendar that had run out of openings: looked at again.
        again = _accrued(clock, due_at)
        return judge(replace(again, due_at=_Count.of(again).due_at()), until, is_over=is_over)
    why = Why(at=due_at, name=_breach_cause(clock))
    return _turned(clock, Turn.BREACHED, why, state=ClockState.BREACHED, breached_at=due_at)


def _breach_cause(clock: SlaClock) -> str:
    """Whether time broke the promise, or the last change of it, which left no time."""
    guilty = None
    for before, entry in zip((None, *clock.history), clock.history, strict=False):
        is_change = entry.turn in (Turn.STARTED, Turn.RETARGETED) or (before and before.cause == NO_TARGET)
        if is_change and entry.generation == clock.generation:
            guilty = entry if entry.elapsed >= entry.target else None
    if guilty is None:
        return "time"
    return POLICY_CHANGED if guilty.cause == POLICY_CHANGED else "target_changed"


class _Counted(TypedDict, total=False):
    """What of a clock's time is not as it was."""

    elapsed: timedelta
    elapsed_wall: timedelta
    spans: tuple[Span, ...] | None


class _Changes(_Counted, total=False):
    """What of a clock is not as it was."""

    promise: Promise | None
    state: ClockState
    generation: int
    running_since: datetime | None
    breached_at: datetime | None
    ended_at: datetime | None


def _counted(clock: SlaClock, at: datetime) -> _Changes:
    """The time up to a moment, counted in. Nothing happens before the clock's last change."""
    if clock.running_since is None or at <= clock.running_since:
        return {}
    elapsed, wall = clock.elapsed_at(at)
    spans = None if clock.spans is None else (*clock.spans, (clock.running_since, at))
    return {"elapsed": elapsed, "elapsed_wall": wall, "running_since": at, "spans": spans}


def _accrued(clock: SlaClock, at: datetime) -> SlaClock:
    """With the time up to a moment counted in."""
    counted = _counted(clock, at)
    return replace(clock, **counted) if counted else clock


def _carried(clock: SlaClock, promise: Promise, mode: OnChange) -> _Counted:
    """The elapsed time that another promise finds. A silent clock's was measured by no calendar yet.

    Raises ValueError where the clock is to be kept as it is, or its time cannot be measured anew.
    """
    match mode:
        case OnChange.KEEP:
            raise ValueError("a clock that is kept has no other promise")
        case OnChange.RESTART:
            return {"elapsed": ZERO, "elapsed_wall": ZERO, "spans": ()}
        case OnChange.CARRY if clock.promise:
            return {}
        case OnChange.CARRY | OnChange.RECOMPUTE:
            if clock.spans is None:
                raise ValueError("nobody has kept when it ran")
            return {"elapsed": sum((promise.calendar.elapsed(*span) for span in clock.spans), ZERO)}
        case _:
            assert_never(mode)


def _turned(clock: SlaClock, turn: Turn, why: Why, **changes: Unpack[_Changes]) -> SlaClock:
    """The clock with what changes, its due time, and a line in its history; silent clocks keep none."""
    count = _Count(
        promise=changes.get("promise", clock.promise),
        elapsed=changes.get("elapsed", clock.elapsed),
        elapsed_wall=changes.get("elapsed_wall", clock.elapsed_wall),
        running_since=changes.get("running_since", clock.running_since),
        breached_at=changes.get("breached_at", clock.breached_at),
    )
    promise, due_at = count.promise, count.due_at()
    if promise is None:
        return replace(clock, **changes)
    elapsed, wall = count.up_to(why.at)
    entry = Entry(
        turn=turn,
        at=why.at,
        cause=why.name,
        event_id=why.event_id,
        generation=changes.get("generation", clock.generation),
        elapsed=elapsed,
        elapsed_wall=wall,
        due_at=due_at,
        policy=promise.policy,
        policy_version=promise.version,
        target=promise.target,
        calendar=promise.calendar_id,
    )
    return replace(clock, **changes, due_at=due_at, history=(*clock.history, entry))
