"""Which offset from UTC a time zone has, and when it changes. Microseconds, as of `shared/stretches.py`."""

from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.stretches import instant_at

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND


@lru_cache(maxsize=4096)
def pieces(time_zone: str, start: int, end: int) -> tuple[tuple[int, int, int], ...]:
    """The parts of [start, end) with one UTC offset each: (start, end, offset)."""
    zone = ZoneInfo(time_zone)
    found = []
    piece_start, offset = start, _offset(zone, start)
    for day in range(start, end, _DAY):
        until = min(day + _DAY, end)
        if _offset(zone, until) == offset:
            continue
        change = _change(zone, day, until)
        if change < end:
            found.append((piece_start, change, offset))
            piece_start, offset = change, _offset(zone, change)
    return (*found, (piece_start, end, offset))


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """When, to the second, the offset changes between two instants with different ones."""
    low, high, old = before // _SECOND, after // _SECOND, _offset(zone, before)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle * _SECOND) == old:
            low = middle
        else:
            high = middle
    return high * _SECOND


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = instant_at(instant).astimezone(zone).utcoffset()
    assert offset is not None
    return (offset.days * 86_400 + offset.seconds) * _SECOND + offset.microseconds
