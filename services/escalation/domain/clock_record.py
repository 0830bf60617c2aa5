"""A clock together with what the world was told of it, and the timers that follow from both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.escalation.domain.escalation import Escalation
from services.escalation.domain.sla_clock import SlaClock
from shared.calendar import NoOpening
from shared.vocabulary import ClockState, EscalationState

PROVISIONAL = timedelta(seconds=60)
"""A breach that nobody could confirm for so long is acted on all the same."""

LATE = timedelta(seconds=10)
"""What is told so long after it was due, as after down-time, is told as late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A breach that was told and never was.

    breach_event_id, breached_at: of the breach; cause, cause_event_id: what showed that it was none
    """

    generation: int
    breach_event_id: UUID
    breached_at: datetime
    withdrawn_at: datetime
    cause: str
    cause_event_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the world knows of a clock.

    sequence, last_event_at: of the last event about it
    breaches: by generation, the event that told a breach that still stands; withdrawn: those that do not
    breach_told_at: when this generation's was told; is_provisional: not everything had been read then
    is_escalated: what it sets off has begun; warned: the highest level told in this generation
    taken_back: what a warning set off was taken back, down to this level; none where it was not
    """

    clock_id: UUID
    sequence: int = 0
    last_event_at: datetime | None = None
    breaches: Mapping[int, UUID] = field(default_factory=dict)
    withdrawn: tuple[Withdrawal, ...] = ()
    breach_told_at: datetime | None = None
    is_provisional: bool = False
    is_escalated: bool = False
    warned: int = 0
    taken_back: int | None = None

    @property
    def set_off(self) -> int:
        """Up to which level warnings have set off whatever there is for them, and that was not taken back."""
        return self.warned if self.taken_back is None else self.taken_back


@dataclass(frozen=True, slots=True)
class ClockRecord:
    """A clock as it is kept."""

    clock: SlaClock
    told: Told

    @property
    def awaits_escalation(self) -> bool:
        """Whether its breach is still to set off whatever there is for it."""
        clock, told = self.clock, self.told
        if not clock.is_live or clock.breached_at is None or told.breach_told_at is None:
            return False
        return not told.is_escalated


class Kind(StrEnum):
    """What a timer is for."""

    WARNING = "warning"
    BREACH = "breach"
    ESCALATION = "escalation"
    STEP = "step"
    RESUME = "resume"
    HAND_OFF = "hand_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A moment at which somebody has to look. It is derived: what fires is decided by the clock itself."""

    owner_id: UUID
    generation: int
    kind: Kind
    level: int = 0
    due_at: datetime


def warning_at(clock: SlaClock, level: int) -> datetime | None:
    """When so many per cent of the target are used up; none where that cannot be said now."""
    if clock.promise is None or clock.running_since is None or clock.state is not ClockState.RUNNING:
        return None
    used = max(timedelta(0), clock.promise.target * level / 100 - clock.elapsed)
    try:
        return clock.promise.calendar.add(clock.running_since, used)
    except NoOpening:
        return None


def clock_timers(record: ClockRecord) -> Iterator[Timer]:
    """The timers of a clock: one a warning level to come, one for its breach or for what that sets off."""
    clock, told = record.clock, record.told
    if record.awaits_escalation:
        assert told.breach_told_at is not None
        yield Timer(
            owner_id=told.clock_id,
            generation=clock.generation,
            kind=Kind.ESCALATION,
            due_at=told.breach_told_at,
        )
    if clock.state is not ClockState.RUNNING or clock.due_at is None or clock.promise is None:
        return
    yield Timer(owner_id=told.clock_id, generation=clock.generation, kind=Kind.BREACH, due_at=clock.due_at)
    for level in clock.promise.warn_at:
        due_at = warning_at(clock, level) if level > told.set_off else None
        if due_at is not None and due_at < clock.due_at:
            yield Timer(
                owner_id=told.clock_id,
                generation=clock.generation,
                kind=Kind.WARNING,
                level=level,
                due_at=due_at,
            )


def escalation_timers(escalation: Escalation) -> Iterator[Timer]:
    """The timers of an escalation: of its next step, of the end of being put off, of who may be on call then."""
    is_open = escalation.state is EscalationState.RAISED and escalation.resumes_at is None
    moments = {
        Kind.STEP: escalation.next_at,
        Kind.RESUME: escalation.resumes_at,
        Kind.HAND_OFF: escalation.hand_off_at if is_open else None,
    }
    for kind, due_at in moments.items():
        if due_at is not None:
            yield Timer(
                owner_id=escalation.escalation_id,
                generation=escalation.generation or 0,
                kind=kind,
                level=escalation.position,
                due_at=due_at,
            )
