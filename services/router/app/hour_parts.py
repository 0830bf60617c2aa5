"""Hours as they are written in a configuration: when agents work, and when they are away."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, StringConstraints

from services.router.domain.hours import ALWAYS_ON_DUTY, Duty, TimeOff, merged
from shared.calendar import Calendar
from shared.calendar_parts import (
    CalendarPart,
    HoursPart,
    OpeningPart,
    WeekPart,
    check_time_zone,
    opening_hours,
    to_calendar,
)
from shared.configuration import Problem, unknown
from shared.http.types import Request
from shared.public_holidays import public_holidays

_DAY = len("2026-12-24")


def _as_text(value: object) -> object:
    """YAML makes dates of what looks like one."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.isoformat(timespec="seconds")
    return value.isoformat() if type(value) is date else value


_OF_30 = "(0[469]|11)-(0[1-9]|[12][0-9]|30)"
_OF_31 = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
_FEBRUARY = "02-(0[1-9]|1[0-9]|2[0-8])"
_LEAP_DAY = "([02468][048]|[13579][26])-02-29"
_LOCAL = (
    f"^20([0-9]{{2}}-({_OF_30}|{_OF_31}|{_FEBRUARY})|{_LEAP_DAY})(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?)?$"
)
"""Days and times that there are, and no others: the schema says all that is refused."""

LocalTime = Annotated[
    str,
    StringConstraints(pattern=_LOCAL),
    BeforeValidator(_as_text),
    Field(examples=["2026-12-24", "2026-12-24T13:30"]),
]
"""A date of this century, or a date and a time of day, on somebody's clock."""


class TimeOffPart(Request):
    """An absence, on the agent's clock."""

    start: LocalTime = Field(description="A date from its midnight.")
    end: LocalTime = Field(description="A date to its end; a time of day until before it.")


class Hours:
    """What the hours of one configuration become. Whoever has the same hours shares one calendar."""

    def __init__(self, calendars: Mapping[str, Calendar], time_zone: str) -> None:
        self.time_zone = time_zone
        self.calendars = calendars
        self._weeks: dict[tuple[str, WeekPart], Calendar] = {}
        self._duties: dict[int, Duty] = {}

    @classmethod
    def written(cls, calendars: Iterable[CalendarPart], time_zone: str) -> "Hours":
        """Of calendars as they are written. Raises ValueError where one cannot be read."""
        return cls({part.id: to_calendar(part, public_holidays) for part in calendars}, time_zone)

    def week(self, week: WeekPart, time_zone: str | None) -> Calendar:
        """Weekly hours on the clock of a zone; the workspace's where none is named."""
        key = (time_zone or self.time_zone, week)
        if key not in self._weeks:
            self._weeks[key] = opening_hours(OpeningPart(weekly=week), key[0], public_holidays)
        return self._weeks[key]

    def opening(self, hours: HoursPart | str | None) -> Calendar | None:
        """When a queue is open; none: always."""
        if isinstance(hours, HoursPart):
            return opening_hours(hours, hours.time_zone or self.time_zone, public_holidays)
        return self.calendars[hours] if hours is not None else None

    def duty(self, shifts: WeekPart | str | None, absences: tuple[TimeOffPart, ...], zone: str | None) -> Duty:
        """When an agent works."""
        calendar = self.calendars[shifts] if isinstance(shifts, str) else None
        if isinstance(shifts, WeekPart):
            calendar = self.week(shifts, zone)
        if absences:
            return Duty(
                shifts=calendar, time_off=merged([_time_off(part, zone or self.time_zone) for part in absences])
            )
        return self._duties.setdefault(id(calendar), Duty(shifts=calendar)) if calendar else ALWAYS_ON_DUTY


def duty_problems(
    place: str,
    shifts: WeekPart | str | None,
    absences: tuple[TimeOffPart, ...],
    zone: str | None,
    *,
    calendars: Collection[str],
) -> Iterator[Problem]:
    """What is wrong with an agent's hours."""
    if zone is not None:
        try:
            check_time_zone(zone)
        except ValueError as error:
            yield f"{place}/time_zone", str(error)
    if isinstance(shifts, str):
        yield from unknown(f"{place}/shifts", [shifts], calendars, "calendar")
    elif shifts is not None:
        yield from week_problems(f"{place}/shifts", shifts)
    for index, absence in enumerate(absences):
        if _local(absence.end, is_end=True) <= _local(absence.start):
            yield f"{place}/time_off/{index}/end", "is not after its start"


def opening_problems(
    place: str, hours: HoursPart | str | None, *, calendars: Collection[str]
) -> Iterator[Problem]:
    """What is wrong with a queue's hours."""
    if isinstance(hours, str):
        yield from unknown(place, [hours], calendars, "calendar")
    elif hours is not None:
        if hours.weekly == WeekPart() and not hours.openings:
            yield place, "never opens; leave it out for around the clock"
        try:
            opening_hours(hours, hours.time_zone or "UTC", public_holidays)
        except ValueError as error:
            yield place, str(error)


def week_problems(place: str, week: WeekPart) -> Iterator[Problem]:
    """What is wrong with weekly hours."""
    if problem := _problem_of(week):
        yield place, problem


@lru_cache(maxsize=1024)
def _problem_of(week: WeekPart) -> str | None:
    """Remembered: thousands of agents have the same hours."""
    if week == WeekPart():
        return "has no hours; leave it out for around the clock"
    try:
        opening_hours(OpeningPart(weekly=week), "UTC", public_holidays)
    except ValueError as error:
        return str(error)
    return None


def _time_off(part: TimeOffPart, time_zone: str) -> TimeOff:
    zone = ZoneInfo(time_zone)
    starts_at = _local(part.start).replace(tzinfo=zone).astimezone(UTC)
    return TimeOff(starts_at=starts_at, ends_at=_local(part.end, is_end=True).replace(tzinfo=zone).astimezone(UTC))


def _local(text: str, *, is_end: bool = False) -> datetime:
    """A local time; of a date its midnight, or where it ends the next one."""
    local = datetime.fromisoformat(text)
    return local + timedelta(days=1) if is_end and len(text) == _DAY else local
