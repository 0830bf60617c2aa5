"""What feeds close: worked out for some years, and kept with the version of the service levels that it belongs to.

So a clock that is folded anew is measured by what its feeds said then.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256

from pydantic import BaseModel, ConfigDict, TypeAdapter

from shared.calendar import Span
from shared.calendar_parts import CalendarPart, ExpandHolidays, NamedClosures, to_calendar

YEARS_BACK, YEARS_AHEAD = 1, 3


class FeedProblem(ValueError):
    """A feed cannot be followed."""


class FedPart(BaseModel):
    """What a calendar's feeds close: dates on its clock, and spans. In order, so that equal ones are equal."""

    model_config = ConfigDict(frozen=True)

    dates: tuple[date, ...] = ()
    spans: tuple[tuple[datetime, datetime], ...] = ()


Fed = Mapping[str, FedPart]
"""By calendar."""

FED: TypeAdapter[dict[str, FedPart]] = TypeAdapter(dict[str, FedPart])


def work_out(calendars: Sequence[CalendarPart], texts: Mapping[str, str], year: int) -> dict[str, FedPart]:
    """What the feeds of calendars close around a year.

    texts: documents by address; one that is not there yet closes nothing
    Raises FeedProblem saying what is wrong.
    """
    return {part.id: _of_calendar(part, texts, year) for part in calendars if part.feeds}


def _of_calendar(part: CalendarPart, texts: Mapping[str, str], year: int) -> FedPart:
    # Late: few workspaces have feeds.
    from shared.ical_feed import ical_closures, is_too_much

    dates: set[date] = set()
    spans: set[Span] = set()
    for feed in part.feeds:
        if feed.url not in texts:
            continue
        try:
            closures = ical_closures(texts[feed.url], part.time_zone, leave_out=feed.leave_out)
        except ValueError as error:
            raise FeedProblem(str(error)) from None
        for each_year in range(year - YEARS_BACK, year + YEARS_AHEAD + 1):
            if is_too_much(closures, each_year):
                raise FeedProblem(f"closes more of {each_year} than can be kept")
            for closed in closures(each_year):
                if isinstance(closed, tuple):
                    spans.add(closed)
                else:
                    dates.add(closed)
    return FedPart(dates=tuple(sorted(dates)), spans=tuple(sorted(spans)))


def check_openings(parts: Sequence[CalendarPart], fed: Fed, now: datetime, expand: ExpandHolidays) -> None:
    """Raises FeedProblem where feeds leave a calendar without an opening for too long."""
    for part in parts:
        if part.feeds and not to_calendar(part, expand, further_closures(fed, part.id)).opens_after(now):
            raise FeedProblem(f"would leave calendar {part.id} closed for 400 days")


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
