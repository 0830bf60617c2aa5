"""Calendars as they are written in a configuration, and what they become."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Annotated
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from shared.calendar import WEEKDAYS, Calendar, Closures, Holidays, Hours, Span, parse_hours
from shared.http.types import Request, Slug

if TYPE_CHECKING:
    from shared.ical_feed import IcalClosures

ExpandHolidays = Callable[[str, str | None], Holidays]
"""From country and subdivision to the dates of each year. Raises ValueError for places that it does not know."""

NamedClosures = tuple[str, Closures]
"""Closures, and a name that is another where they are others."""

_YEARS_BACK, _YEARS_AHEAD = 1, 3
_ZONE = re.compile(r"[A-Za-z0-9_+\-/]+\Z")


TimeZoneName = Annotated[str, StringConstraints(min_length=1, max_length=60)]

HoursText = Annotated[
    str, StringConstraints(pattern=r"^\d{2}:[0-5]\d-\d{2}:[0-5]\d$"), Field(examples=["09:00-12:00"])
]


DayHours = Annotated[tuple[HoursText, ...], Field(max_length=50)]


class WeekPart(Request):
    """Local opening hours by weekday, any number a day; `22:00-30:00` ends at six the next morning."""

    mon: DayHours = ()
    tue: DayHours = ()
    wed: DayHours = ()
    thu: DayHours = ()
    fri: DayHours = ()
    sat: DayHours = ()
    sun: DayHours = ()


class DatePart(Request):
    """Hours of one date."""

    date: dt.date
    hours: Annotated[DayHours, Field(min_length=1)]


class HolidaysPart(Request):
    """The public holidays of a country, or of a part of it."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    subdivision: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 -]{1,60}$")] | None = None


Summaries = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...], Field(max_length=200)
]


class IcalPart(Request):
    """An iCalendar document: what its events close."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=200_000)]
    leave_out: Summaries = Field(default=(), description="Summaries of events that close nothing.")


class FeedPart(Request):
    """An iCalendar document that is fetched again and again."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,500}$")]
    leave_out: Summaries = Field(default=(), description="Summaries of events that close nothing.")


class OpeningPart(Request):
    """When something is open. An extra opening beats a closure, a closure beats the week."""

    weekly: WeekPart = WeekPart()
    closed: tuple[dt.date, ...] = Field(default=(), max_length=2000)
    closures: tuple[DatePart, ...] = Field(default=(), max_length=2000)
    openings: tuple[DatePart, ...] = Field(default=(), max_length=2000)
    holidays: HolidaysPart | None = None


class CalendarPart(OpeningPart):
    """Opening hours in a time zone."""

    id: Slug
    time_zone: TimeZoneName
    ical: tuple[IcalPart, ...] = Field(default=(), max_length=10)
    feeds: tuple[FeedPart, ...] = Field(
        default=(), max_length=10, description="Fetched by escalation, where they count for service levels only."
    )


class HoursPart(OpeningPart):
    """Opening hours of one thing, in the workspace's time zone unless another is named."""

    time_zone: TimeZoneName | None = None


def to_calendar(part: CalendarPart, expand: ExpandHolidays, further: Sequence[NamedClosures] = ()) -> Calendar:
    """What a part describes, and what further closures close. Raises ValueError saying what is wrong."""
    calendar = opening_hours(part, part.time_zone, expand)
    documents: list[NamedClosures] = []
    for index, document in enumerate(part.ical):
        try:
            documents.append(_document(document, part.time_zone))
        except ValueError as error:
            raise ValueError(f"ical {index + 1}: {error}") from None
    return closed_by(calendar, [*documents, *further])


def years_around(year: int) -> range:
    """The years of which what feeds close counts, and in which no document may close too much."""
    return range(year - _YEARS_BACK, year + _YEARS_AHEAD + 1)


def check_ical(part: CalendarPart, years: Iterable[int]) -> None:
    """Raises ValueError where a document closes more of one of these years than counts.

    What was saved before that was looked at holds as it is, so `to_calendar` does not ask.
    """
    for index, document in enumerate(part.ical):
        try:
            _document(document, part.time_zone)[1].check(years)
        except ValueError as error:
            raise ValueError(f"ical {index + 1}: {error}") from None


def closed_by(calendar: Calendar, closures: Sequence[NamedClosures]) -> Calendar:
    """A calendar with further closures. Their names tell where calendars differ."""
    if not closures:
        return calendar
    names = [calendar.holiday_set or "", *(name for name, _ in closures)]
    sources = [calendar.holidays, *(source for _, source in closures)]

    def of_year(year: int) -> Iterable[dt.date | Span]:
        return chain.from_iterable(source(year) for source in sources)

    return replace(calendar, holiday_set=" ".join(names), holidays=of_year)


_DOCUMENTS: "WeakValueDictionary[tuple[str, str], IcalClosures]" = WeakValueDictionary()
"""What the documents of living calendars close, by name and zone: equal ones are read once."""


def _document(part: IcalPart, time_zone: str) -> "tuple[str, IcalClosures]":
    # Late: most calendars have no documents, and what reads them takes memory.
    from shared.ical_feed import ical_closures

    name = sha256(repr((part.text, part.leave_out)).encode()).hexdigest()
    closures = _DOCUMENTS.get((name, time_zone))
    if closures is None:
        closures = _DOCUMENTS[name, time_zone] = ical_closures(part.text, time_zone, leave_out=part.leave_out)
    return name, closures


def opening_hours(part: OpeningPart, time_zone: str, expand: ExpandHolidays) -> Calendar:
    """The hours on the clock of a zone. Raises ValueError saying what is wrong."""
    check_time_zone(time_zone)
    calendar = Calendar(
        time_zone=time_zone,
        weekly={day: tuple(map(parse_hours, getattr(part.weekly, name))) for day, name in enumerate(WEEKDAYS)},
        closed=frozenset(part.closed),
        closures=_by_date(part.closures),
        openings=_by_date(part.openings),
    )
    if part.holidays is None:
        return calendar
    country, subdivision = part.holidays.country, part.holidays.subdivision
    return replace(
        calendar,
        holiday_set=f"{country}-{subdivision}" if subdivision else country,
        holidays=expand(country, subdivision),
    )


def check_time_zone(name: str) -> None:
    """Raises ValueError where no zone has that name."""
    try:
        if not _ZONE.match(name):
            raise ValueError(name)
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise ValueError("time_zone is not an IANA name such as Europe/Berlin") from None


def _by_date(parts: Sequence[DatePart]) -> dict[dt.date, tuple[Hours, ...]]:
    hours: dict[dt.date, tuple[Hours, ...]] = {}
    for part in parts:
        hours[part.date] = (*hours.get(part.date, ()), *map(parse_hours, part.hours))
    return hours
