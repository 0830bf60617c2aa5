"""Where a calendar differs from its week."""

from datetime import UTC, date, datetime
from typing import Any

from services.escalation.domain.unusual import unusual
from shared.calendar import Calendar, Holidays, parse_hours

BERLIN = "Europe/Berlin"
DAY = date(2026, 6, 10)


def found(hours: str = "09:00-17:00", *, days: int = 5, **more: Any) -> list[str]:
    weekly = dict.fromkeys(range(days), (parse_hours(hours),))
    calendar = Calendar(time_zone=BERLIN, weekly=weekly, **more)
    start, end = datetime(2026, 6, 8, tzinfo=UTC), datetime(2026, 6, 15, tzinfo=UTC)
    return [
        f"{'open' if each.is_open else 'closed'} {each.start:%d %H:%M} {each.end:%d %H:%M}"
        if isinstance(each.start, datetime)
        else f"closed {each.start:%d} {each.end:%d}"
        for each in unusual(calendar, start, end)
    ]


def test_an_ordinary_week_has_nothing_unusual() -> None:
    assert found() == []


def test_a_day_that_is_closed_is_a_date_and_hours_that_are_closed_are_times() -> None:
    hours = (parse_hours("12:00-17:00"),)
    assert found(closed=frozenset({DAY})) == ["closed 10 11"]
    assert found(closures={DAY: hours}) == ["closed 10 10:00 10 15:00"]


def test_a_holiday_on_a_day_that_is_closed_anyway_is_nothing_unusual() -> None:
    sunday: Holidays = lambda _: [date(2026, 6, 14)]  # noqa: E731 - it is a value of that type
    assert found(holiday_set="x", holidays=sunday) == []
    assert found(holiday_set="x", holidays=sunday, days=7) == ["closed 14 15"]


def test_an_extra_opening_on_a_holiday_is_both() -> None:
    opened = found(closed=frozenset({DAY}), openings={DAY: (parse_hours("08:00-10:00"),)})
    assert opened == ["closed 10 08:00 10 15:00", "open 10 06:00 10 07:00"]


def test_a_night_is_cut_at_midnight() -> None:
    assert found("22:00-30:00", days=7, closed=frozenset({DAY})) == ["closed 10 11"]
