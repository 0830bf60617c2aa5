"""One event of an iCalendar document with everything that repeats, moves and leaves it out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.calendar import Span
from shared.recurrence import Rule

LONGEST = timedelta(days=366)
"""An event that closes for longer is a mistake."""

_DAY = timedelta(days=1)
_ZERO = timedelta(0)

When = date | datetime
"""A date, or an instant with a zone: the event's own, or UTC."""

Key = date | datetime
"""What an instance is known by: its date, or its instant of UTC."""

Closed = tuple[date, date] | Span
"""From a date until before another, or a span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as it is written.

    length: time that passes; nominal: days of the wall clock before it
    until: the last time of its wall clock that the rule names
    more: further instances, with their lengths where they have their own
    replaces: which instance of its series it is instead of; is_onward: and of all after it
    """

    uid: str
    sequence: int
    start: When
    length: timedelta
    nominal: timedelta
    closes: bool
    rule: Rule | None
    until: datetime | None
    more: tuple[tuple[When, timedelta | None], ...]
    left_out: frozenset[Key]
    replaces: Key | None
    is_onward: bool

    def instances(self, first: date, last: date) -> Iterator[tuple[When, timedelta | None]]:
        """Its instances that begin from one date to another: starts, and lengths where they have their own."""
        if first <= date_of(self.start) <= last:
            yield self.start, None
        if self.rule is not None:
            wall = wall_of(self.start)
            for named in self.rule.between(wall, first, last):
                if self.until is not None and named > self.until:
                    break
                yield self.like(named), None
        for when, length in self.more:
            if first <= date_of(when) <= last:
                yield when, length

    def like(self, wall: datetime) -> When:
        """A time of its wall clock as a start like its own."""
        return wall.replace(tzinfo=self.start.tzinfo) if isinstance(self.start, datetime) else wall.date()

    def closed(self, start: When, length: timedelta | None) -> Closed:
        """What an instance closes."""
        if not isinstance(start, datetime):
            return start, start + (self.length if length is None else max(length, _DAY))
        if length is not None:
            return start.astimezone(UTC), start.astimezone(UTC) + length
        # Days of a duration are days of the wall clock, the rest is time that passes.
        return start.astimezone(UTC), (start + self.nominal).astimezone(UTC) + self.length

    @property
    def reach(self) -> timedelta:
        """How long after it began an instance may still close something."""
        return max([self.length + self.nominal, *(length or _ZERO for _, length in self.more)])


@dataclass(frozen=True, slots=True)
class Series:
    """An event, and the events that take the place of some of its instances."""

    event: Event
    changes: tuple[Event, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether it never closes anything."""
        return not any(event.closes and event.reach > _ZERO for event in (self.event, *self.changes))

    def in_year(self, year: int) -> Iterator[date | Span]:
        """The dates of a year that it closes, and the spans that reach into that year of UTC."""
        begins, ends = date(year, 1, 1), date(year + 1, 1, 1)
        for start, end in self._closed_around(begins, ends):
            if not isinstance(start, datetime):
                for day in range(max(start, begins).toordinal(), min(end, ends).toordinal()):
                    yield date.fromordinal(day)
            elif isinstance(end, datetime) and start < end and start.year <= year <= end.year:
                yield start, end

    def _closed_around(self, begins: date, ends: date) -> Iterator[Closed]:
        onward = sorted((event for event in self.changes if event.is_onward), key=_onward_from)
        if self.event.closes or onward:
            # Moved instances are looked for where they come from.
            around = max(event.reach for event in (self.event, *onward)) + (LONGEST if onward else 2 * _DAY)
            yield from self._as_planned(onward, begins - around, ends + around)
        for event in self.changes:
            if event.closes:
                yield event.closed(event.start, None)

    def _as_planned(self, onward: Sequence[Event], first: date, last: date) -> Iterator[Closed]:
        """What instances close that no event takes the place of, or one that is for all that follow."""
        seen: set[Key] = {event.replaces for event in self.changes if event.replaces is not None}
        for start, length in self.event.instances(first, last):
            key = key_of(start)
            if key in seen or key in self.event.left_out or date_of(start) in self.event.left_out:
                continue
            seen.add(key)
            event = self.event
            for change in onward:
                if _onward_from(change) <= wall_of(key):
                    event = change
            if event.closes:
                yield event.closed(_moved(self.event, start, event), length)


def _moved(planned: Event, start: When, event: Event) -> When:
    """Where an instance goes when an event has moved it with all that follow."""
    if event.replaces is None:
        return start
    was = event.replaces
    if isinstance(was, datetime) and isinstance(planned.start, datetime):
        was = was.astimezone(planned.start.tzinfo)
    return event.like(wall_of(start) + (wall_of(event.start) - wall_of(was)))


def date_of(when: When) -> date:
    """On which date of its own clock something is."""
    return when.date() if isinstance(when, datetime) else when


def wall_of(when: When) -> datetime:
    """On its own clock; of a date its midnight."""
    return when.replace(tzinfo=None) if isinstance(when, datetime) else datetime.combine(when, time())


def key_of(when: When) -> Key:
    """What an instance is known by."""
    return when.astimezone(UTC) if isinstance(when, datetime) else when


def _onward_from(event: Event) -> datetime:
    assert event.replaces is not None
    return wall_of(event.replaces)
