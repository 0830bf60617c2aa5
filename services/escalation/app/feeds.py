"""What feeds close: worked out for some years, and kept with the version of the service levels that it belongs to.

So a clock that is folded anew is measured by what its feeds said then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter

from shared.calendar import Span
from shared.calendar_parts import CalendarPart, ExpandHolidays, NamedClosures, to_calendar, years_around
from shared.stretches import instant_at, merged, microseconds

MOST_CHARACTERS = 10_000_000
"""Of the copies of a workspace's feeds together: all of them are read whenever one has changed."""
MOST_CLOSURES = 50_000
"""Dates and spans that feeds close, counted in each calendar of a workspace: every version keeps its own."""
_RETRY = timedelta(minutes=5)
_SELDOM = timedelta(days=1)

Reading = tuple[str, str, tuple[str, ...]]
"""The address of a document, the zone in which it is read, and what is left out of it."""


class FeedProblem(ValueError):
    """A feed cannot be followed."""


class FedPart(BaseModel):
    """What a calendar's feeds close: dates on its clock, and spans.

    In order, and spans without overlaps, so that those that close the same are equal.
    """

    model_config = ConfigDict(frozen=True)

    dates: tuple[date, ...] = ()
    spans: tuple[tuple[datetime, datetime], ...] = ()


Fed = Mapping[str, FedPart]
"""By calendar."""

FED: TypeAdapter[dict[str, FedPart]] = TypeAdapter(dict[str, FedPart])


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """What feeds close, by calendar, and what is wrong, by calendar and address."""

    fed: dict[str, FedPart]
    problems: Mapping[tuple[str, str], str]

    def problem_of(self, url: str) -> str | None:
        """What is wrong with a feed, in any calendar."""
        return next((problem for (_, at), problem in self.problems.items() if at == url), None)


class Grounds(NamedTuple):
    """What closures were worked out of. Under another epoch somebody else may have worked out others meanwhile.

    version: of the configuration; texts: address and hash of each document
    """

    epoch: int
    version: int
    year: int
    texts: frozenset[tuple[str, int]]

    @classmethod
    def of(cls, epoch: int, version: int, year: int, texts: Mapping[str, str]) -> Self:
        """For documents by their addresses."""
        return cls(epoch, version, year, frozenset((url, hash(each)) for url, each in texts.items()))


def readings(calendars: Iterable[CalendarPart]) -> set[Reading]:
    """What is to be read of feeds."""
    return {(feed.url, part.time_zone, feed.leave_out) for part in calendars for feed in part.feeds}


def next_after(pause: timedelta, every: timedelta, *, is_changed: bool) -> timedelta:
    """How long after it was fetched a feed is fetched again; one that keeps changing, in the end once a day.

    Each of its changes makes a version that is kept for good.

    pause: how long it was left alone before; every: how often one that stands still is fetched
    is_changed: whether it closes something else than before
    """
    return max(every, min(pause * 2, _SELDOM) if is_changed else pause / 2)


def retry_after(failing_for: timedelta, pause: timedelta, every: timedelta) -> timedelta:
    """How long after it failed a feed is tried again, the later the longer it has failed.

    pause, every: as of `next_after`; one that keeps changing is not fetched more often for failing in between
    """
    if pause > every:
        return next_after(pause, every, is_changed=False)
    return min(every, max(_RETRY, failing_for))


def total_closures(fed: Fed) -> int:
    """How many dates and spans feeds close in all calendars together."""
    return sum(len(part.dates) + len(part.spans) for part in fed.values())


def work_out(
    calendars: Sequence[CalendarPart], texts: Mapping[str, str], year: int, held: Fed = MappingProxyType({})
) -> WorkedOut:
    """What the feeds of calendars close around a year.

    texts: documents by address; one that is not there yet closes nothing
    held: what holds, and goes on for a calendar of whose feeds one cannot be read
    """
    fed: dict[str, FedPart] = {}
    problems: dict[tuple[str, str], str] = {}
    known: dict[Reading, FedPart | FeedProblem] = {}
    for part in calendars:
        found: list[FedPart] = []
        for feed in part.feeds:
            key = feed.url, part.time_zone, feed.leave_out
            if feed.url not in texts:
                continue
            if key not in known:
                known[key] = _read(texts[feed.url], key, year)
            match known[key]:
                case FedPart() as closed:
                    found.append(closed)
                case FeedProblem() as problem:
                    problems[part.id, feed.url] = str(problem)
        if part.feeds:
            is_read = not any(calendar_id == part.id for calendar_id, _ in problems)
            fed[part.id] = _together(found) if is_read else held.get(part.id, FedPart())
    return WorkedOut(fed, problems)


def believed(
    calendars: Sequence[CalendarPart], texts: Mapping[str, str], now: datetime, held: Fed, expand: ExpandHolidays
) -> WorkedOut:
    """The same; a calendar that would not open any more keeps what holds, too."""
    worked = work_out(calendars, texts, now.year, held)
    closed = never_opening(calendars, worked.fed, now, expand)
    problems = {
        (part.id, feed.url): f"would leave calendar {part.id} closed for 400 days"
        for part in calendars
        if part.id in closed
        for feed in part.feeds
    }
    kept = {calendar_id: held.get(calendar_id, FedPart()) for calendar_id in closed}
    return WorkedOut({**worked.fed, **kept}, {**problems, **worked.problems})


def never_opening(
    calendars: Sequence[CalendarPart], fed: Fed, now: datetime, expand: ExpandHolidays
) -> frozenset[str]:
    """Calendars that do not open for 400 days, with what their feeds close."""
    return frozenset(
        part.id
        for part in calendars
        if part.feeds and not to_calendar(part, expand, further_closures(fed, part.id)).opens_after(now)
    )


def _read(text: str, reading: Reading, year: int) -> FedPart | FeedProblem:
    # Late: few workspaces have feeds.
    from shared.ical_feed import IcalProblem, ical_closures

    _, time_zone, leave_out = reading
    try:
        closures = ical_closures(text, time_zone, leave_out=leave_out)
        closures.check(years_around(year))
    except IcalProblem as error:
        return FeedProblem(str(error))
    dates: set[date] = set()
    spans: set[Span] = set()
    for each_year in years_around(year):
        for closed in closures(each_year):
            if isinstance(closed, tuple):
                spans.add(closed)
            else:
                dates.add(closed)
    return FedPart(dates=tuple(sorted(dates)), spans=tuple(sorted(spans)))


def _together(parts: Iterable[FedPart]) -> FedPart:
    found = list(parts)
    spans = merged((microseconds(start), microseconds(end)) for part in found for start, end in part.spans)
    return FedPart(
        dates=tuple(sorted({day for part in found for day in part.dates})),
        spans=tuple((instant_at(start), instant_at(end)) for start, end in spans),
    )


def further_closures(fed: Fed, calendar_id: str) -> Sequence[NamedClosures]:
    """What closes a calendar beside its own part."""
    found = fed.get(calendar_id)
    if found is None or not (found.dates or found.spans):
        return ()
    name = sha256(found.model_dump_json().encode()).hexdigest()

    def of_year(year: int) -> Iterable[date | Span]:
        yield from (day for day in found.dates if day.year == year)
        yield from (span for span in found.spans if span[0].year <= year <= span[1].astimezone(UTC).year)

    return ((name, of_year),)
