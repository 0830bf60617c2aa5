"""Hours that a clock shows twice: where a calendar opens or closes within one, it does so twice that day."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise

from shared.calendar import Calendar
from shared.stretches import instant_at, microseconds
from shared.zone_offsets import pieces

_MINUTE = timedelta(minutes=1)


def edges_in_repeated_hours(calendar: Calendar, start: datetime, end: datetime) -> Iterator[datetime]:
    """The wall times between two instants at which a calendar opens or closes twice, as its clock goes back."""
    if calendar.is_always_open:
        return
    for before, after in pairwise(pieces(calendar.time_zone, microseconds(start), microseconds(end))):
        changes_at, was, becomes = after[0], before[2], after[2]
        first, last = _wall(changes_at + becomes), _wall(changes_at + was)
        days: set[date] = {first.date(), last.date()} if first < last else set()
        for day in sorted(days):
            midnight = datetime.combine(day, datetime.min.time())
            edges = {midnight + minute * _MINUTE for hours in calendar.local_hours(day) for minute in hours}
            yield from sorted(edge for edge in edges if first < edge < last)


def _wall(us: int) -> datetime:
    return instant_at(us).replace(tzinfo=None)
