"""A clock's time, piece by piece: when it ran and stood still, which event made it so, how much of that counted.

The pieces follow each other without a gap, from the clock's beginning to its end, or to now. What they count and
what changes of promise adjusted add up to the elapsed time, to the microsecond.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from services.escalation.domain.sla_clock import ZERO, Entry, SlaClock, Turn
from shared.calendar import Calendar


class Standing(StrEnum):
    """How a clock stood for a while."""

    RUNNING = "running"
    OVERDUE = "overdue"
    PAUSED = "paused"
    ENDED = "ended"

    @property
    def counts(self) -> bool:
        """Whether open time was counted."""
        return self in (Standing.RUNNING, Standing.OVERDUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of time in which a clock stood alike.

    ends_at: now, where nothing has ended it; began, ended: the lines of the history at its two ends
    adjusted: by how much the promise that came with its beginning changed the elapsed time
    elapsed: of the calendar's open time; elapsed_wall: around the clock; total: elapsed at its end
    """

    standing: Standing
    starts_at: datetime
    ends_at: datetime
    began: Entry
    ended: Entry | None
    calendar: Calendar
    adjusted: timedelta
    elapsed: timedelta
    elapsed_wall: timedelta
    total: timedelta

    @property
    def hours(self) -> list[tuple[datetime, datetime]]:
        """The stretches that were counted, in UTC."""
        return self.calendar.hours(self.starts_at, self.ends_at) if self.standing.counts else []


def segments(clock: SlaClock, now: datetime, calendar_of: Callable[[Entry], Calendar]) -> Iterator[Segment]:
    """The pieces of a clock's time up to now; what follows its end is none.

    calendar_of: the calendar that measures what follows a line of the history
    """
    total, standing, broken = ZERO, Standing.ENDED, 0
    for began, ended in zip(clock.history, (*clock.history[1:], None), strict=True):
        standing = _after(began, standing)
        broken = began.generation if began.turn is Turn.BREACHED else broken
        if ended is None and standing is Standing.ENDED:
            return
        is_overdue = standing is Standing.RUNNING and began.generation == broken
        ends_at = max(began.at, ended.at if ended else now)
        calendar = calendar_of(began)
        counted = calendar.elapsed(began.at, ends_at) if standing is Standing.RUNNING else ZERO
        yield Segment(
            standing=Standing.OVERDUE if is_overdue else standing,
            starts_at=began.at,
            ends_at=ends_at,
            began=began,
            ended=ended,
            calendar=calendar,
            adjusted=began.elapsed - total,
            elapsed=counted,
            elapsed_wall=ends_at - began.at if standing is Standing.RUNNING else ZERO,
            total=began.elapsed + counted,
        )
        total = began.elapsed + counted


def _after(entry: Entry, standing: Standing) -> Standing:
    """How a clock stands after a line of its history, overdue or not."""
    match entry.turn:
        case Turn.STARTED | Turn.RESUMED | Turn.BREACHED:
            return Standing.RUNNING
        case Turn.RESTARTED:
            return Standing.RUNNING if entry.due_at else Standing.PAUSED
        case Turn.PAUSED:
            return Standing.PAUSED
        case Turn.MET | Turn.LATE | Turn.CANCELLED:
            return Standing.ENDED
        case Turn.RETARGETED:
            return standing
        case _:
            assert_never(entry.turn)
