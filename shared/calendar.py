"""Business time: which instants are open, how much open time lies between two, when so much has passed.

An instant is open iff its local wall time is. So wall times that a zone skips do not exist, and those that it
repeats count twice. What is open locally: extra openings, and the weekly hours that no closure covers.

E(a, b) is the open time in [a, b), A(t, d) the earliest u >= t with E(t, u) = d. Everything is computed in
whole microseconds of UTC: Python subtracts two instants of one zone, and moves one, by the wall clock.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from operator import itemgetter
from types import MappingProxyType

from shared.stretches import Stretch, Stretches, instant_at, merged, microseconds, without
from shared.zone_offsets import pieces

HORIZON = timedelta(days=400)
"""A calendar without an opening for so long has run out of them."""

_US = timedelta(microseconds=1)
_ONE_DAY = timedelta(days=1)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MINUTE = 60_000_000
_DAY_MINUTES = 1440
_DAY = _DAY_MINUTES * _MINUTE
_CENTURY = 36_000 * _DAY
"""Nearly; longer times are taken in parts."""
_HORIZON = HORIZON // _US
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

Span = tuple[datetime, datetime]
"""From an instant until before another."""

Holidays = Callable[[int], Iterable[date]]
"""From a year to the dates in it that are closed."""

Closures = Callable[[int], Iterable[date | Span]]
"""From a year to what is closed in it: local dates, and spans that reach into that year of UTC."""


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


def _nothing(_: int) -> Iterable[date | Span]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Opening hours in a zone. Equal calendars have equal definitions.

    time_zone: an IANA name; weekly: weekday, 0 for Monday, to hours
    closed: dates without weekly hours; closures: parts of dates without them; openings: open whatever is closed
    holidays: what else is closed, asked for once a year; `holiday_set` names them where calendars are compared

    Works out what it is asked about, and keeps it.
    """

    time_zone: str
    weekly: Mapping[int, Sequence[Hours]]
    closed: frozenset[date] = frozenset()
    closures: Mapping[date, Sequence[Hours]] = field(default_factory=dict)
    openings: Mapping[date, Sequence[Hours]] = field(default_factory=dict)
    holiday_set: str | None = None
    holidays: Closures = field(default=_nothing, compare=False, repr=False)
    is_always_open: bool = field(init=False, compare=False, repr=False)
    """Whether it is open around the clock, every day."""
    _open: Stretches = field(default_factory=lambda: Stretches(_HORIZON), init=False, compare=False, repr=False)
    _holidays: dict[int, "_Closed"] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        has_exceptions = bool(self.closed or self.closures or self.holiday_set is not None)
        is_open = not has_exceptions and all(WHOLE_DAY in self.weekly.get(day, ()) for day in range(7))
        object.__setattr__(self, "is_always_open", is_open)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """E(start, end). Raises ValueError where the end is before the start."""
        first, last = microseconds(start), microseconds(end)
        if last < first:
            raise ValueError("the end is before the start")
        if self.is_always_open:
            return timedelta(microseconds=last - first)
        open_us = 0
        while last - first > _CENTURY:
            open_us += self._open.before(first, first + _CENTURY, self._open_in)
            first += _CENTURY
        return timedelta(microseconds=open_us + self._open.before(first, last, self._open_in))

    def add(self, start: datetime, open_time: timedelta) -> datetime:
        """A(start, open_time), in UTC: it ends at closing time, not at the next opening.

        Raises NoOpening where nothing opens for 400 days on the way, and ValueError for a negative time.
        """
        wanted = open_time // _US
        if wanted < 0:
            raise ValueError("open time is not negative")
        origin = microseconds(start)
        if wanted == 0 or self.is_always_open:
            return instant_at(origin + wanted)
        reached = self._open.reach(origin, wanted, self._open_in)
        if reached is None:
            raise NoOpening
        return instant_at(reached)

    def standing(self, instant: datetime) -> tuple[bool, datetime | None]:
        """Whether it is open at an instant, and when that turns; none where it does not for 400 days."""
        if self.is_always_open:
            return True, None
        origin = microseconds(instant)
        found = self._open.first_after(origin, self._open_in)
        if found is None or found[0] > origin:
            return False, None if found is None else instant_at(found[0])
        closes = found[1]
        while closes - origin <= _HORIZON:
            found = self._open.first_after(closes, self._open_in)
            if found is None or found[0] > closes:
                return True, instant_at(closes)
            closes = found[1]
        return True, None

    def opens_after(self, instant: datetime) -> bool:
        """Whether it opens within 400 days."""
        return self.elapsed(instant, instant + HORIZON) > timedelta(0)

    def hours(self, start: datetime, end: datetime) -> list[Span]:
        """When it is open between two instants of UTC at most a century apart, whole stretches in order."""
        if self.is_always_open:
            return [(start, end)] if start < end else []
        found = self._open.between(microseconds(start), microseconds(end), self._open_in)
        return [(instant_at(opens), instant_at(closes)) for opens, closes in found]

    def _open_in(self, start: int, end: int) -> list[Stretch]:
        """Open stretches of UTC between two instants, merged and in order."""
        first, last = instant_at(start).year, instant_at(end - 1).year
        closed = merged(
            span for year in range(first, last + 1) for span in self._closed_in(year).between(start, end)
        )
        if not closed:
            return self._on_the_clock(start, end, self.local_hours)
        usual = self._on_the_clock(start, end, self._usual)
        return merged([*without(usual, closed), *self._on_the_clock(start, end, self._extra)])

    def _on_the_clock(self, start: int, end: int, local: Callable[[date], list[Stretch]]) -> list[Stretch]:
        """Local times of each date, as stretches of UTC between two instants."""
        found: list[Stretch] = []
        for piece_start, piece_end, offset in pieces(self.time_zone, start, end):
            for day in range((piece_start + offset) // _DAY, (piece_end + offset - 1) // _DAY + 1):
                midnight = day * _DAY - offset
                for opens, closes in local(date.fromordinal(day + _EPOCH_ORDINAL)):
                    stretch = (
                        max(midnight + opens * _MINUTE, piece_start),
                        min(midnight + closes * _MINUTE, piece_end),
                    )
                    if stretch[0] < stretch[1]:
                        found.append(stretch)
        return merged(found)

    def local_hours(self, day: date) -> list[Stretch]:
        """What of a local date is open, in minutes after its midnight."""
        extra = self._extra(day)
        return merged([*self._usual(day), *extra]) if extra else self._usual(day)

    def _extra(self, day: date) -> list[Stretch]:
        """What of a local date is open whatever is closed."""
        return _falling_on(day, lambda on: self.openings.get(on, ())) if self.openings else []

    def _usual(self, day: date) -> list[Stretch]:
        """What of a local date is open in the week, and in no closure."""
        if day in self.closed or day in self._closed_in(day.year).dates:
            return []
        weekly = _falling_on(day, lambda on: self.weekly.get(on.weekday(), ()))
        if not self.closures:
            return weekly
        return list(without(weekly, _falling_on(day, lambda on: self.closures.get(on, ()))))

    def _closed_in(self, year: int) -> "_Closed":
        if self.holiday_set is None:
            return _NEVER_CLOSED
        if year not in self._holidays:
            self._holidays[year] = _Closed.of(self.holidays(year))
        return self._holidays[year]


@dataclass(frozen=True, slots=True)
class _Closed:
    """What holidays close in a year. spans: merged, in order"""

    dates: frozenset[date] = frozenset()
    spans: tuple[Stretch, ...] = ()

    @classmethod
    def of(cls, closures: Iterable[date | Span]) -> "_Closed":
        found = list(closures)
        spans = merged((microseconds(each[0]), microseconds(each[1])) for each in found if isinstance(each, tuple))
        return cls(frozenset(each for each in found if not isinstance(each, tuple)), tuple(spans))

    def between(self, start: int, end: int) -> Sequence[Stretch]:
        """The spans that reach into a time: a year can have thousands, of which a month has few."""
        first = bisect_right(self.spans, start, key=itemgetter(1))
        return self.spans[first : bisect_left(self.spans, end, key=itemgetter(0))]


_NEVER_CLOSED = _Closed()


def _falling_on(day: date, hours_of: Callable[[date], Sequence[Hours]]) -> list[Stretch]:
    """Hours that fall on a date, in minutes after its midnight: its own, and what the day before runs over."""
    own = [(hours.start, min(hours.end, _DAY_MINUTES)) for hours in hours_of(day)]
    if day == date.min:
        return merged(own)
    over = [(0, hours.end - _DAY_MINUTES) for hours in hours_of(day - _ONE_DAY) if hours.end > _DAY_MINUTES]
    return merged([*own, *over]) if own or over else own


ALWAYS = Calendar(time_zone="UTC", weekly=MappingProxyType(dict.fromkeys(range(7), (WHOLE_DAY,))))
"""Open around the clock."""
