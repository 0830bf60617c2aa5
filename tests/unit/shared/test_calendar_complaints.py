"""What people complain of in other products' business hours, each as a claim about ours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.calendar import ALWAYS, Calendar, parse_hours
from shared.public_holidays import public_holidays

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS = range(5)


def a_calendar(*hours: str, days: range = WEEKDAYS, zone: str = "Europe/Berlin", **more: object) -> Calendar:
    weekly = {day: tuple(map(parse_hours, hours)) for day in days}
    return Calendar(time_zone=zone, weekly=weekly, **more)  # type: ignore[arg-type] # fields by name


def local(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def test_a_lunch_break_is_no_business_time() -> None:
    """chatwoot#14009: one interval a day, so that a message at 12:30 counts as one in business hours."""
    split = a_calendar("08:00-12:00", "13:30-18:00")
    assert split.standing(local("2026-06-10T12:30")) == (False, local("2026-06-10T13:30"))
    assert split.add(local("2026-06-10T11:30"), HOUR) == local("2026-06-10T14:00")


def test_an_evening_that_ends_after_midnight_can_be_said() -> None:
    """chatwoot#5254, helpdesk: the end has to come after the start on the same day, so no night shifts."""
    night = a_calendar("21:00-26:00", days=range(7))
    assert night.add(local("2026-06-10T23:00"), 4 * HOUR) == local("2026-06-11T22:00")
    assert night.standing(local("2026-06-11T01:59")) == (True, local("2026-06-11T02:00"))


def test_a_public_holiday_closes_one_day_and_a_company_event_some_hours() -> None:
    """chatwoot#6467, #10436: no holidays, and no other hours on single dates."""
    calendar = a_calendar(
        "09:00-17:00",
        holiday_set="DE",
        holidays=public_holidays("DE", None),
        closures={date(2026, 12, 23): (parse_hours("12:00-17:00"),)},
    )
    assert calendar.add(local("2026-12-23T11:00"), 2 * HOUR) == local("2026-12-24T10:00")
    assert calendar.add(local("2026-12-24T16:00"), 2 * HOUR) == local("2026-12-28T10:00")


def test_a_promise_of_an_hour_on_friday_afternoon_ends_on_monday() -> None:
    """chatwoot PR#13392: deadlines were set by the wall clock and seen by business hours."""
    calendar = a_calendar("09:00-17:00")
    assert calendar.add(local("2026-01-30T16:30"), HOUR) == local("2026-02-02T09:30")
    assert calendar.add(local("2026-01-28T07:00"), 2 * HOUR) == local("2026-01-28T11:00")


def test_what_comes_at_the_weekend_is_not_overdue_on_monday_morning() -> None:
    """osTicket#1168: only around the clock, so that tickets of the weekend come in overdue."""
    calendar = a_calendar("08:00-17:00")
    assert calendar.elapsed(local("2026-06-13T10:00"), local("2026-06-15T08:00")) == timedelta(0)
    assert calendar.add(local("2026-06-13T10:00"), 8 * HOUR) == local("2026-06-15T16:00")


def test_time_stands_still_from_five_in_the_evening_until_eight() -> None:
    """osTicket#2131: clocks that do not pause when the day is over."""
    calendar = a_calendar("08:00-17:00")
    assert calendar.elapsed(local("2026-06-10T16:30"), local("2026-06-11T08:30")) == HOUR


def test_each_client_has_its_own_hours_holidays_and_weekends() -> None:
    """osTicket#4969: one schedule for everybody."""
    riyadh = ZoneInfo("Asia/Riyadh")
    saudi = Calendar(
        time_zone="Asia/Riyadh", weekly={day: (parse_hours("08:00-16:00"),) for day in (6, 0, 1, 2, 3)}
    )
    thursday = local("2026-06-11T15:00", riyadh)
    assert saudi.add(thursday, 2 * HOUR) == local("2026-06-14T09:00", riyadh)
    assert a_calendar("08:00-16:00", zone="Asia/Riyadh").add(thursday, 2 * HOUR) == local(
        "2026-06-12T09:00", riyadh
    )


def test_forty_eight_hours_of_twelve_hour_days_are_four_days_and_each_holiday_can_be_seen() -> None:
    """zammad#390: six days instead of four, because a holiday feed closed days that nobody there has off."""
    long_days = a_calendar("09:00-21:00", days=range(7))
    start = local("2016-11-09T23:00")
    assert long_days.add(start, 48 * HOUR) == local("2016-11-13T21:00")
    off = frozenset({date(2016, 11, 11), date(2016, 11, 13)})
    casual = a_calendar("09:00-21:00", days=range(7), closed=off)
    assert casual.add(start, 48 * HOUR) == local("2016-11-15T21:00")
    opened = {span[0].date() for span in casual.hours(start, start + timedelta(days=6))}
    assert opened == {date(2016, 11, day) for day in (10, 12, 14, 15)}


def test_around_the_clock_has_no_hole_at_midnight() -> None:
    """zammad#3180: 00:00 to 23:59 was all that could be said, and was closed for a minute a day."""
    calendar = a_calendar("00:00-24:00", days=range(7), closed=frozenset({date(2020, 1, 1)}))
    midnight = local("2026-06-10T00:00")
    assert calendar.elapsed(midnight - MINUTE, midnight + MINUTE) == 2 * MINUTE
    assert calendar.is_always_open is False
    assert a_calendar("00:00-24:00", days=range(7)).is_always_open


@pytest.mark.parametrize("days", [range(1, 2), range(3, 4), range(6, 7)])
def test_any_single_day_of_the_week_makes_a_calendar(days: range) -> None:
    """osTicket#6739: a schedule without Monday and Thursday counted no days."""
    calendar = a_calendar("08:00-17:00", days=days)
    assert calendar.add(local("2026-06-01T00:00"), 18 * HOUR) == local(f"2026-06-{8 + days.start:02}T17:00")


def test_a_quarter_of_a_target_before_its_end_is_in_business_hours_too() -> None:
    """glpi#22678: a level before the end of a target fell on midnight."""
    calendar = a_calendar("08:00-18:00")
    created = local("2026-06-08T17:00")
    assert calendar.add(created, 4 * HOUR) == local("2026-06-09T11:00")
    assert calendar.add(created, 3 * HOUR) == local("2026-06-09T10:00")


def test_half_a_day_is_half_a_day() -> None:
    """django-helpdesk: whole days are counted, by dates."""
    calendar = a_calendar("09:00-17:00")
    assert calendar.add(local("2026-06-10T13:00"), 4 * HOUR) == local("2026-06-10T17:00")
    assert calendar.elapsed(local("2026-06-10T16:59:59.5"), local("2026-06-11T09:00:00.25")) == timedelta(
        milliseconds=750
    )


def test_the_night_of_the_change_has_23_hours_and_25() -> None:
    """Python: one aware datetime less another of the same zone ignores the change of clocks."""
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        start = datetime.combine(day, datetime.min.time(), BERLIN)
        end = datetime.combine(day + timedelta(days=1), datetime.min.time(), BERLIN)
        assert end - start == 24 * HOUR  # the trap
        assert ALWAYS.elapsed(start, end) == hours * HOUR


def test_a_due_time_is_not_moved_by_the_wall_clock() -> None:
    """Python: adding to an aware datetime moves the wall clock, and into an hour that does not exist."""
    start = local("2026-03-28T12:00")
    assert (start + 24 * HOUR).astimezone(UTC) - start.astimezone(UTC) == 23 * HOUR  # the trap
    assert ALWAYS.add(start, 24 * HOUR) - start.astimezone(UTC) == 24 * HOUR


def test_seconds_are_not_cut_off() -> None:
    """libredesk: targets and due times in whole minutes."""
    calendar = a_calendar("09:00-17:00")
    assert calendar.add(local("2026-06-10T16:59:30.000001"), MINUTE) == local("2026-06-11T09:00:30.000001")
