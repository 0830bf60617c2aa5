"""Duty: when an agent works; opening hours: when a queue does.

Off shift and on leave nobody is offered anything, and nothing that waits in a closed queue is given out.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.calendar import Calendar

LONGEST_SHIFT = timedelta(days=1)
"""Who is on duty for longer has no end of shift that anything waits for."""


class OffDuty(StrEnum):
    """Why an agent is not on duty."""

    OFF_SHIFT = "off_shift"
    TIME_OFF = "time_off"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TimeOff:
    """An absence: from its start until before its end."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether somebody is on duty at an instant; if not, why.

    until: when the reason, or that there is none, may be another; none: not for more than a year
    """

    off_duty: OffDuty | None
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """When an agent works. Agents with equal shifts share their calendar.

    shifts: none: always; time_off: in order, not overlapping
    """

    shifts: Calendar | None = None
    time_off: tuple[TimeOff, ...] = ()

    def at(self, instant: datetime) -> Standing:
        """How it stands at an instant. Time off outweighs shifts."""
        coming = bisect_right(self.time_off, instant, key=lambda absence: absence.starts_at)
        if coming and instant < self.time_off[coming - 1].ends_at:
            return Standing(off_duty=OffDuty.TIME_OFF, until=self.time_off[coming - 1].ends_at)
        is_open, until = self.shifts.standing(instant) if self.shifts else (True, None)
        if coming < len(self.time_off):
            starts_at = self.time_off[coming].starts_at
            until = min(until, starts_at) if until else starts_at
        return Standing(off_duty=None if is_open else OffDuty.OFF_SHIFT, until=until)

    def turns_at(self, standing: Standing) -> datetime | None:
        """When duty begins or ends after what stands. Time off that begins at night turns nothing."""
        while standing.until is not None:
            then = self.at(standing.until)
            if (then.off_duty is None) is not (standing.off_duty is None):
                return standing.until
            standing = then
        return None

    def shift_ends_at(self, instant: datetime) -> datetime | None:
        """When the shift of somebody who is on duty ends; none off duty, and where shifts have no end."""
        if self.shifts is None:
            return None
        standing = self.at(instant)
        if standing.off_duty is not None or standing.until is None:
            return None
        return standing.until if standing.until - instant <= LONGEST_SHIFT else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Whether a queue is open at an instant, and until when; none: for more than a year."""

    is_open: bool
    until: datetime | None


ALWAYS_OPEN = Opening(is_open=True, until=None)
ALWAYS_ON_DUTY = Duty()
ON_DUTY = Standing(off_duty=None, until=None)


def merged(absences: list[TimeOff]) -> tuple[TimeOff, ...]:
    """Absences in order; those that touch or overlap are one."""
    found: list[TimeOff] = []
    for absence in sorted(absences):
        if found and absence.starts_at <= found[-1].ends_at:
            ends_at = max(found[-1].ends_at, absence.ends_at)
            found[-1] = TimeOff(starts_at=found[-1].starts_at, ends_at=ends_at)
        else:
            found.append(absence)
    return tuple(found)
