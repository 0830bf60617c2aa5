"""What an iCalendar document (RFC 5545) closes: its events, repeated, moved and left out as it says.

An event of dates closes whole dates on the calendar's clock, one of times its span and nothing else. What is
cancelled or transparent closes nothing. Times without a zone are read on the calendar's clock.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from zoneinfo import ZoneInfo

from icalendar import Calendar as Document
from icalendar import Component

from shared.calendar import Span
from shared.ical_event import EventProblem, read_event
from shared.ical_series import Event, Series
from shared.recurrence import RuleProblem

MOST_CHARACTERS = 2_000_000
MOST_EVENTS = 10_000
MOST_RULES = 500
MOST_A_YEAR = 5_000
"""Closures in one year; more are left out, and refused where somebody looks before."""

_UNREADABLE = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
)
"""What the library may raise, or what it made of a document once it is looked at: it says so nowhere."""

_FOLD = re.compile(r"\r?\n[ \t]")
_GLOBAL_ZONE = re.compile(r'(;TZID="?)/', re.IGNORECASE)
"""A name behind a vendor's; without the stroke nobody but us guesses what it means."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class IcalProblem(ValueError):
    """A document cannot be read, or closes too much; it says why, and repeats nothing of the document."""


class IcalClosures:
    """What a document closes, year by year."""

    def __init__(self, series: tuple[Series, ...]) -> None:
        self._series = series

    def __call__(self, year: int) -> list[date | Span]:
        """The first of what is closed in a year, as many as are counted."""
        return list(islice(self._in_year(year), MOST_A_YEAR))

    def check(self, years: Iterable[int]) -> None:
        """Raises IcalProblem where something of these years is left out, because it is too much."""
        for year in years:
            if next(islice(self._in_year(year), MOST_A_YEAR, None), None) is not None:
                raise IcalProblem(f"closes more than {MOST_A_YEAR} times in {year}")

    def _in_year(self, year: int) -> Iterator[date | Span]:
        for each in self._series:
            yield from each.in_year(year)


def ical_closures(text: str, time_zone: str, *, leave_out: Collection[str] = ()) -> IcalClosures:
    """What a document closes on the clock of a zone.

    leave_out: summaries of events that close nothing, however they are written
    Raises IcalProblem saying what is wrong.
    """
    return IcalClosures(_series(text, ZoneInfo(time_zone), frozenset(map(_plain, leave_out))))


def _series(text: str, zone: ZoneInfo, leave_out: frozenset[str]) -> tuple[Series, ...]:
    if len(text) > MOST_CHARACTERS:
        raise IcalProblem(f"is larger than {MOST_CHARACTERS} characters")
    if _CONTROL.search(text):
        raise IcalProblem("holds control characters")
    # Numbered as whoever opens the document counts them.
    components = [
        (number, each)
        for number, each in enumerate(_components(text), start=1)
        if not _is_left_out(each, leave_out)
    ]
    if len(components) > MOST_EVENTS:
        raise IcalProblem(f"has more than {MOST_EVENTS} events")
    if sum("RRULE" in each for _, each in components) > MOST_RULES:
        raise IcalProblem(f"has more than {MOST_RULES} events that repeat")
    budget = iter(range(3_000))
    events = [_read(number, each, zone, budget) for number, each in components]
    planned = _newest([event for event in events if event.replaces is None])
    changes: dict[str, list[Event]] = {}
    for event in _newest([event for event in events if event.replaces is not None]):
        changes.setdefault(event.uid, []).append(event)
    found = [Series(event, tuple(changes.get(event.uid, ()))) for event in planned]
    # Of some series nothing was sent but what has changed.
    known = {event.uid for event in planned}
    found += [Series(event) for uid, of_uid in changes.items() if uid not in known for event in of_uid]
    return tuple(each for each in found if not each.is_idle)


def _components(text: str) -> list[Component]:
    lines = _FOLD.sub("", text.removeprefix("\ufeff").strip()).splitlines()
    if not lines or _plain(lines[0]) != "begin:vcalendar":
        raise IcalProblem("is not an iCalendar document: it does not begin with BEGIN:VCALENDAR")
    if _plain(lines[-1]) != "end:vcalendar":
        raise IcalProblem("breaks off: it does not end with END:VCALENDAR")
    try:
        documents = Document.from_ical("\r\n".join(_without_zones(lines)), multiple=True)
    except _UNREADABLE:
        raise IcalProblem("is not an iCalendar document: its lines do not fit together") from None
    return [event for document in documents for event in document.walk("VEVENT")]


def _without_zones(lines: Sequence[str]) -> Iterator[str]:
    """Without definitions of time zones: names are looked up, and definitions can take for ever to work out."""
    is_zone = False
    for line in lines:
        mark, _, component = _plain(line).rpartition(":")
        is_definition = component == "vtimezone"
        if is_definition and mark.startswith("begin"):
            is_zone = True
        if not is_zone:
            yield _GLOBAL_ZONE.sub(r"\1vendor/", line)
        if is_definition and mark.startswith("end"):
            is_zone = False


def _is_left_out(component: Component, leave_out: frozenset[str]) -> bool:
    return bool(leave_out) and _plain(str(component.get("SUMMARY", ""))) in leave_out


def _read(number: int, component: Component, zone: ZoneInfo, budget: Iterator[int]) -> Event:
    try:
        return read_event(component, zone, budget)
    except (EventProblem, RuleProblem) as error:
        raise IcalProblem(f"event {number}: {error}") from None
    except _UNREADABLE:
        # What the parser says repeats the document, however long, and whatever somebody wrote there.
        raise IcalProblem(f"event {number}: a property cannot be read") from None


def _newest(events: list[Event]) -> list[Event]:
    """Without what a later edition of the same event has taken the place of."""
    latest: dict[tuple[str, object], int] = {}
    for event in events:
        key = event.uid, event.replaces
        latest[key] = max(event.sequence, latest.get(key, event.sequence))
    return [event for event in events if event.sequence == latest[event.uid, event.replaces]]


def _plain(summary: str) -> str:
    return " ".join(summary.split()).casefold()
