"""Reads an event of an iCalendar document."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from icalendar import Component, vDDDLists, vDDDTypes, vRecur

from shared.ical_series import LONGEST, Event, When, date_of, key_of, wall_of
from shared.recurrence import Rule, last_of

MOST_DATES = 5_000
"""Dates that an event may name beside its rule."""

_DAY = timedelta(days=1)
_ZERO = timedelta(0)


class EventProblem(ValueError):
    """An event cannot be understood."""


def read_event(component: Component, zone: ZoneInfo, budget: Iterator[int]) -> Event:
    """An event of a document. zone: for times that name none; budget: as of `last_of`

    Raises ValueError saying what is wrong.
    """
    start = _when(component, "DTSTART", zone)
    if start is None:
        raise EventProblem("it has no DTSTART")
    exact, nominal = _length(component, start, zone)
    rule, until = _rule(component, start, budget)
    replaced = _when(component, "RECURRENCE-ID", zone)
    is_closed = _word(component, "STATUS") != "CANCELLED" and _word(component, "TRANSP") != "TRANSPARENT"
    return Event(
        uid=str(component.get("UID", "")),
        sequence=_sequence(component),
        start=start,
        length=exact,
        nominal=nominal,
        closes=is_closed,
        rule=rule,
        until=until,
        more=tuple(_listed(component, "RDATE", zone)),
        left_out=frozenset(key_of(each) for each, _ in _listed(component, "EXDATE", zone)),
        replaces=None if replaced is None else key_of(replaced),
        is_onward=replaced is not None
        and str(component["RECURRENCE-ID"].params.get("RANGE", "")).upper() == "THISANDFUTURE",
    )


def _word(component: Component, name: str) -> str:
    return str(component.get(name, "")).strip().upper()


def _when(component: Component, name: str, zone: ZoneInfo) -> When | None:
    found = component.get(name)
    if found is None:
        return None
    if isinstance(found, list):
        raise EventProblem(f"it has more than one {name}")
    # Whatever a document names as a property's type stands there, if the parser knows it.
    if not isinstance(found, vDDDTypes):
        raise EventProblem(f"its {name} is not a date or a time")
    return _in_zone(found.dt, found.params, zone)


def _in_zone(value: object, parameters: Mapping[str, str], zone: ZoneInfo) -> When:
    if not isinstance(value, date):
        raise EventProblem("it has a duration or a time in the place of a date")
    if not 1900 <= value.year < 2200:
        raise EventProblem("it is not of these centuries")
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is not None:
        return value
    return value.replace(tzinfo=_zone_of(parameters["TZID"]) if "TZID" in parameters else zone)


def _zone_of(name: str) -> ZoneInfo:
    """A zone by a name that some programs put something in front of, as `/example.org/Europe/Berlin`."""
    words = str(name).strip("/").split("/")
    for count in (3, 2):
        candidate = "/".join(words[-count:])
        if len(words) >= count and candidate in available_timezones():
            return ZoneInfo(candidate)
    raise EventProblem("its time zone is not known")


def _length(component: Component, start: When, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    """The exact and the nominal part of how long it lasts."""
    end = _when(component, "DTEND", zone)
    exact, nominal = _ZERO, _ZERO
    if end is not None:
        if isinstance(end, datetime) != isinstance(start, datetime):
            raise EventProblem("of its DTSTART and DTEND one is a date and one a time")
        first, last = key_of(start), key_of(end)
        exact = last - first
    elif (duration := component.get("DURATION")) is not None:
        if not isinstance(duration, vDDDTypes) or not isinstance(duration.dt, timedelta):
            raise EventProblem("its DURATION is none")
        nominal, exact = timedelta(days=duration.dt.days), timedelta(seconds=duration.dt.seconds)
    if not isinstance(start, datetime):
        exact, nominal = max(exact + nominal, _DAY), _ZERO
    if exact + nominal < _ZERO:
        raise EventProblem("it ends before it begins")
    if exact + nominal > LONGEST:
        raise EventProblem(f"it lasts for more than {LONGEST.days} days")
    return exact, nominal


def _rule(component: Component, start: When, budget: Iterator[int]) -> tuple[Rule | None, datetime | None]:
    """Its rule, and the last time of its wall clock that the rule names."""
    found = component.get("RRULE")
    if found is None:
        return None, None
    if isinstance(found, list):
        raise EventProblem("it has more than one RRULE")
    if not isinstance(found, vRecur):
        raise EventProblem("its RRULE is none")
    fields = {name: values if isinstance(values, list) else [values] for name, values in dict(found).items()}
    wall = wall_of(start)
    rule = Rule.read(fields, wall)
    ends = [_until(each, start) for each in fields.get("UNTIL", ())]
    for count in fields.get("COUNT", ()):
        if not isinstance(count, int) or count < 1:
            raise EventProblem("COUNT of its rule is not a number")
        if (last := last_of(rule, wall, count, budget)) is not None:
            ends.append(last)
    return rule, min(ends, default=None)


def _until(until: object, start: When) -> datetime:
    if not isinstance(until, date):
        raise EventProblem("UNTIL of its rule is not a date")
    if not isinstance(until, datetime) or not isinstance(start, datetime):
        return datetime.combine(date_of(until), time.max)
    return (
        until.replace(tzinfo=None) if until.tzinfo is None else until.astimezone(start.tzinfo).replace(tzinfo=None)
    )


def _listed(component: Component, name: str, zone: ZoneInfo) -> Iterator[tuple[When, timedelta | None]]:
    """The instances that a property names, with their lengths where it gives them."""
    found = component.get(name, [])
    lists = found if isinstance(found, list) else [found]
    if not all(isinstance(each, vDDDLists) for each in lists):
        raise EventProblem(f"its {name} is not a list of dates or times")
    if sum(len(each.dts) for each in lists) > MOST_DATES:
        raise EventProblem(f"it has more than {MOST_DATES} of {name}")
    for each in lists:
        for item in each.dts:
            value = item.dt
            if isinstance(value, tuple):
                start, end = value
                when = _in_zone(start, each.params, zone)
                length = (
                    end if isinstance(end, timedelta) else key_of(_in_zone(end, each.params, zone)) - key_of(when)
                )
                if not _ZERO <= length <= LONGEST:
                    raise EventProblem(f"it has a period in {name} that is too long, or ends before it begins")
                yield when, length
            else:
                yield _in_zone(value, each.params, zone), None


def _sequence(component: Component) -> int:
    try:
        return int(component.get("SEQUENCE", 0))
    except (TypeError, ValueError):
        return 0
