"""What the timers should be, worked out from clocks and escalations, against what they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.escalation.domain.clock_record import Kind, Timer
from services.escalation.domain.promise import Measure
from services.escalation.domain.sla_clock import SlaClock, Why, recomputed

GRACE = timedelta(seconds=1)
"""A timer that is due for longer is overdue."""
PUT_OFF = timedelta(minutes=1)
"""By how much a timer is put off that cannot be fired."""

RECOMPUTED = "recomputed"

_Identity = tuple[object, int, Kind, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """How many timers of some tickets are not as they should be.

    missing: nobody would have fired them; orphaned: they stand for nothing; wrong: due at another moment
    misjudged: clocks whose due time does not follow from their calendar any more
    overdue: due for more than a second, whether they are there or not
    """

    missing: int = 0
    orphaned: int = 0
    wrong: int = 0
    misjudged: int = 0
    overdue: int = 0

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(**{name: getattr(self, name) + getattr(other, name) for name in Findings.__slots__})

    @property
    def mistakes(self) -> int:
        """How many of them have to be mended."""
        return self.missing + self.orphaned + self.wrong + self.misjudged


def compare(wanted: Iterable[Timer], standing: Iterable[Timer], now: datetime, *, misjudged: int = 0) -> Findings:
    """What timers should be there against those that are. misjudged: clocks that were not due when they should"""
    should, are = _by_identity(wanted), _by_identity(standing)
    both = [(should[key], are[key]) for key in should.keys() & are.keys()]
    return Findings(
        missing=len(should.keys() - are.keys()),
        orphaned=len(are.keys() - should.keys()),
        wrong=sum(each.due_at != other.due_at and not _is_put_off(each, other, now) for each, other in both),
        misjudged=misjudged,
        overdue=sum(timer.due_at < now - GRACE for timer in should.values()),
    )


def audited(clocks: Mapping[Measure, SlaClock], now: datetime) -> Mapping[Measure, SlaClock]:
    """The clocks with due times as they follow from their calendars today."""
    why = Why(at=now, name=RECOMPUTED)
    return {measure: recomputed(clock, why) for measure, clock in clocks.items()}


def _by_identity(timers: Iterable[Timer]) -> dict[_Identity, Timer]:
    return {(timer.owner_id, timer.generation, timer.kind, timer.level): timer for timer in timers}


def _is_put_off(wanted: Timer, standing: Timer, now: datetime) -> bool:
    """Whether it could not be fired, and is tried again in a while."""
    return wanted.due_at < standing.due_at <= now + PUT_OFF and wanted.due_at <= now
