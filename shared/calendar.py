"""Business time: which instants are open, how much open time lies between two, when so much has passed.

An instant is open iff its local wall time is. So wall times that a zone skips do not exist, and those that it
repeats count twice. What is open locally: extra openings, and the weekly hours that no closure covers.

E(a, b) is the open time in [a, b), A(t, d) the earliest u >= t with E(t, u) = d. Everything is computed in
whole microseconds of UTC: Python subtracts two instants of one zone, and moves one, by the wall clock.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from types import MappingProxyType
from zoneinfo import ZoneInfo

HORIZON = timedelta(days=400)
"""A calendar without an opening for so long has run out of them."""

_US = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MINUTE = 60_000_000
_DAY_MINUTES = 1440
_DAY = _DAY_MINUTES * _MINUTE
_HOURS = re.compile(r"(\d{2}):([0-5]\d)-(\d{2}):([0-5]\d)\Z")


class NoOpening(ValueError):
    """The calendar does not open for 400 days."""


@dataclass(frozen=True, slots=True, order=True)
class Hours:
    """Local opening hours of one date, in minutes after its midnight: 0 <= start < 1440, start < end <= 2880.

    An end past 24:00 lies on the next date.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < _DAY_MINUTES or not self.start < self.end <= 2 * _DAY_MINUTES:
            raise ValueError("hours begin before 24:00, and end after they begin, at 48:00 at the latest")


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE_DAY = Hours(0, _DAY_MINUTES)

Holidays = Callable[[int], Iterable[date]]
"""From a year to the dates in it that are closed."""


def parse_hours(text: str) -> Hours:
    """Hours as people write them: `09:00-17:30`, `22:00-30:00` until six in the morning. Raises ValueError."""
    match = _HOURS.match(text)
    if match is None:
        raise ValueError("write hours as 09:00-17:30, or 22:00-30:00 for a night")
    from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
    return Hours(from_hour * 60 + from_minute, to_hour * 60 + to_minute)


def format_hours(hours: Hours) -> str:
    """Hours as `parse_hours` reads them."""
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (hours.start, hours.end))


def _no_holidays(_: int) -> Iterable[date]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Opening hours in a zone. Equal calendars have equal definitions.

    time_zone: an IANA name; weekly: weekday, 0 for Monday, to hours
    closed: dates without weekly hours; closures: parts of dates without them; openings: open whatever is closed
    holidays: further closed dates, asked for once a year; `holiday_set` names them where calendars are compared
    """

    time_zone: str
    weekly: Mapping[int, Sequence[Hours]]
    closed: frozenset[date] = frozenset()
    closures: Mapping[date, Sequence[Hours]] = field(default_factory=dict)
    openings: Mapping[date, Sequence[Hours]] = field(default_factory=dict)
    holiday_set: str | None = None
    holidays: Holidays = field(default=_no_holidays, compare=False, repr=False)
    _months: dict[int, "_Month"] = field(default_factory=dict, init=False, compare=False, repr=False)
    _holidays: dict[int, frozenset[date]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """E(start, end). Raises ValueError where the end is before the start."""
        if end < start:
            raise ValueError("the end is before the start")
        if self.is_always_open:
            return _instant(_us(end)) - _instant(_us(start))
        first, last = _us(start), _us(end)
        from_month, to_month = _month_of(first), _month_of(last)
        between = sum(self._month(index).total for index in range(from_month, to_month))
        open_us = between + self._month(to_month).before(last) - self._month(from_month).before(first)
        return timedelta(microseconds=open_us)

    def add(self, start: datetime, open_time: timedelta) -> datetime:
        """A(start, open_time), in UTC: it ends at closing time, not at the next opening.

        Raises NoOpening where nothing opens for 400 days on the way, and ValueError for a negative time.
        """
        wanted = open_time // _US
        if wanted < 0:
            raise ValueError("open time is not negative")
        origin = _us(start)
        if wanted == 0 or self.is_always_open:
            return _instant(origin + wanted)
        open_until = origin
        for opens, closes in self._segments(origin):
            if opens - open_until > HORIZON // _US:
                break
            begins = max(opens, origin)
            if closes - begins >= wanted:
                return _instant(begins + wanted)
            wanted -= closes - begins
            open_until = closes
        raise NoOpening

    def standing(self, instant: datetime) -> tuple[bool, datetime | None]:
        """Whether it is open at an instant, and when that turns; none where it does not for 400 days."""
        if self.is_always_open:
            return True, None
        origin = _us(instant)
        stretches = self._segments(origin)
        opens, closes = next(stretches, (None, None))
        if opens is None or closes is None or opens > origin:
            return False, None if opens is None else _instant(opens)
        for then_opens, then_closes in stretches:
            if then_opens > closes or closes - origin > HORIZON // _US:
                break
            closes = then_closes
        return True, None if closes - origin > HORIZON // _US else _instant(closes)

    def opens_after(self, instant: datetime) -> bool:
        """Whether it opens within 400 days."""
        return self.elapsed(instant, instant + HORIZON) > timedelta(0)

    @property
    def is_always_open(self) -> bool:
        """Whether it is open around the clock, every day."""
        return (
            all(WHOLE_DAY in self.weekly.get(day, ()) for day in range(7))
            and not self.closed
            and not self.closures
            and self.holiday_set is None
        )

    def _segments(self, start: int) -> Iterator[tuple[int, int]]:
        """Open stretches that end after `start`, until nothing has opened for 400 days."""
        index = _month_of(start)
        quiet_since = start
        while index <= _LAST_MONTH and _month_start(index) - quiet_since <= HORIZON // _US:
            month = self._month(index)
            position = bisect_right(month.ends, start)
            yield from zip(month.starts[position:], month.ends[position:], strict=True)
            if month.ends:
                quiet_since = max(start, month.ends[-1])
            index += 1

    def _month(self, index: int) -> "_Month":
        month = self._months.get(index)
        if month is None:
            month = self._months[index] = _Month(self._open_in(_month_start(index), _month_start(index + 1)))
        return month

    def _open_in(self, start: int, end: int) -> list[tuple[int, int]]:
        """Open stretches of UTC between two instants, merged and in order."""
        open_stretches: list[tuple[int, int]] = []
        for piece_start, piece_end, offset in _pieces(self.time_zone, start, end):
            for day in range((piece_start + offset) // _DAY, (piece_end + offset - 1) // _DAY + 1):
                midnight = day * _DAY - offset
                for opens, closes in self._local(date.fromordinal(day + _EPOCH_ORDINAL)):
                    stretch = (
                        max(midnight + opens * _MINUTE, piece_start),
                        min(midnight + closes * _MINUTE, piece_end),
                    )
                    if stretch[0] < stretch[1]:
                        open_stretches.append(stretch)
        return _merged(open_stretches)

    def _local(self, day: date) -> list[tuple[int, int]]:
        """What of a local date is open, in minutes after its midnight."""
        opened = self._on(day, lambda on: self.openings.get(on, ()))
        if self._is_closed(day):
            return _merged(opened)
        weekly = _merged(self._on(day, lambda on: self.weekly.get(on.weekday(), ())))
        closed = _merged(self._on(day, lambda on: self.closures.get(on, ())))
        return _merged([*_without(weekly, closed), *opened])

    @staticmethod
    def _on(day: date, hours_of: Callable[[date], Sequence[Hours]]) -> list[tuple[int, int]]:
        """Hours that fall on a date: its own, and what the day before runs over."""
        own = [(hours.start, min(hours.end, _DAY_MINUTES)) for hours in hours_of(day)]
        if day == date.min:
            return own
        over = [hours.end - _DAY_MINUTES for hours in hours_of(day - timedelta(days=1))]
        return [*own, *((0, end) for end in over if end > 0)]

    def _is_closed(self, day: date) -> bool:
        if day in self.closed:
            return True
        if self.holiday_set is None:
            return False
        if day.year not in self._holidays:
            self._holidays[day.year] = frozenset(self.holidays(day.year))
        return day in self._holidays[day.year]


class _Month:
    """The open stretches of one month of UTC, with running sums."""

    __slots__ = ("ends", "starts", "sums", "total")

    def __init__(self, stretches: Sequence[tuple[int, int]]) -> None:
        self.starts = [opens for opens, _ in stretches]
        self.ends = [closes for _, closes in stretches]
        self.sums = [0, *accumulate(closes - opens for opens, closes in stretches)]
        self.total = self.sums[-1]

    def before(self, instant: int) -> int:
        """Open time of this month before an instant of it."""
        position = bisect_left(self.starts, instant)
        over = max(0, self.ends[position - 1] - instant) if position else 0
        return self.sums[position] - over


def _merged(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _without(stretches: Sequence[tuple[int, int]], holes: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Merged stretches, less merged holes."""
    for start, end in stretches:
        at = start
        for hole_start, hole_end in holes:
            if hole_end <= at or end <= hole_start:
                continue
            if at < hole_start:
                yield at, hole_start
            at = hole_end
        if at < end:
            yield at, end


@lru_cache(maxsize=4096)
def _pieces(time_zone: str, start: int, end: int) -> tuple[tuple[int, int, int], ...]:
    """The parts of [start, end) with one UTC offset each: (start, end, offset)."""
    zone = ZoneInfo(time_zone)
    pieces = []
    piece_start, offset = start, _offset(zone, start)
    for day in range(start, end, _DAY):
        until = min(day + _DAY, end)
        if _offset(zone, until) == offset:
            continue
        change = _change(zone, day, until)
        if change < end:
            pieces.append((piece_start, change, offset))
            piece_start, offset = change, _offset(zone, change)
    return (*pieces, (piece_start, end, offset))


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """When, to the second, the offset changes between two instants with different ones."""
    low, high, old = before // 1_000_000, after // 1_000_000, _offset(zone, before)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle * 1_000_000) == old:
            low = middle
        else:
            high = middle
    return high * 1_000_000


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = _instant(instant).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // _US


def _us(instant: datetime) -> int:
    return (instant - _EPOCH) // _US


def _instant(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def _month_of(us: int) -> int:
    instant = _instant(us)
    return instant.year * 12 + instant.month - 1


def _month_start(index: int) -> int:
    return _us(datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC))


_LAST_MONTH = 9998 * 12
"""Time ends here."""

ALWAYS = Calendar(time_zone="UTC", weekly=MappingProxyType(dict.fromkeys(range(7), (WHOLE_DAY,))))
"""Open around the clock."""
