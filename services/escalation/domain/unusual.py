"""Where a calendar differs from its week: what is closed that the week has open, and the other way round."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.calendar import Calendar, Span
from shared.stretches import Stretch, instant_at, microseconds, without

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """A difference. start, end: instants of UTC, or dates where a whole day of the week's hours is closed"""

    start: date | datetime
    end: date | datetime
    is_open: bool


def unusual(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Unusual]:
    """Differences between two instants, by local dates in order. Raises ValueError for more than a century."""
    week = replace(calendar, closed=frozenset(), closures={}, openings={}, holiday_set=None)
    zone = ZoneInfo(calendar.time_zone)
    day = start.astimezone(zone).date()
    while (begins := _midnight(day, zone)) < end:
        ends = _midnight(day + _DAY, zone)
        usual, actual = _stretches(week.hours(begins, ends)), _stretches(calendar.hours(begins, ends))
        closed, opened = list(without(usual, actual)), list(without(actual, usual))
        if usual and closed == usual:
            yield Unusual(start=day, end=day + _DAY, is_open=False)
        else:
            yield from (_timed(stretch, is_open=False) for stretch in closed)
        yield from (_timed(stretch, is_open=True) for stretch in opened)
        day += _DAY


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _stretches(spans: list[Span]) -> list[Stretch]:
    return [(microseconds(start), microseconds(end)) for start, end in spans]


def _timed(stretch: Stretch, *, is_open: bool) -> Unusual:
    return Unusual(start=instant_at(stretch[0]), end=instant_at(stretch[1]), is_open=is_open)
