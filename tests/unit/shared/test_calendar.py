"""Business time: published vectors, and what surrounds them. Its laws are in `test_calendar_laws.py`."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.calendar import ALWAYS, WHOLE_DAY, Calendar, NoOpening, Span, parse_hours

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ZERO = timedelta(0)


def a_calendar(time_zone: str, *hours: str, days: range = range(7), **more: object) -> Calendar:
    weekly = {day: tuple(map(parse_hours, hours)) for day in days}
    return Calendar(time_zone=time_zone, weekly=weekly, **more)  # type: ignore[arg-type] # fields by name


def local(time_zone: str, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(time_zone), fold=fold)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


BERLIN = "Europe/Berlin"
OFFICE = a_calendar(BERLIN, "09:00-17:00", days=range(5))
LUNCH = a_calendar(BERLIN, "09:00-12:00", "13:00-18:00", days=range(5), closed=frozenset({date(2026, 12, 25)}))
NIGHT = a_calendar(BERLIN, "22:00-30:00")
NIGHT_OFF = a_calendar(BERLIN, "22:00-30:00", closed=frozenset({date(2026, 12, 25)}))
AROUND_THE_CLOCK = a_calendar(BERLIN, "00:00-24:00")
KOLKATA = a_calendar("Asia/Kolkata", "09:00-17:00", days=range(5))


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "due"),
    [
        (OFFICE, "2026-03-27T16:00", 8, "2026-03-30T16:00"),
        (OFFICE, "2026-03-27T16:00", 1, "2026-03-27T17:00"),
        (LUNCH, "2026-12-24T16:30", 4, "2026-12-28T11:30"),
        (NIGHT, "2026-03-28T21:00", 8, "2026-03-29T23:00"),
        (NIGHT, "2026-10-24T21:00", 8, "2026-10-25T05:00"),
        (NIGHT_OFF, "2026-12-24T21:00", 4, "2026-12-26T02:00"),
        (AROUND_THE_CLOCK, "2026-03-28T12:00", 24, "2026-03-29T13:00"),
        (KOLKATA, "2026-11-20T16:30", 2, "2026-11-23T10:30"),
    ],
)
def test_open_time_added_to_a_local_time_is_due_at(calendar: Calendar, start: str, hours: int, due: str) -> None:
    added = calendar.add(local(calendar.time_zone, start), hours * HOUR)
    assert added == local(calendar.time_zone, due).astimezone(UTC)
    assert added.tzinfo is UTC


def test_due_times_are_the_published_instants_of_utc() -> None:
    assert OFFICE.add(local(BERLIN, "2026-03-27T16:00"), 8 * HOUR) == utc("2026-03-30T14:00")
    assert NIGHT.add(local(BERLIN, "2026-10-24T21:00"), 8 * HOUR) == utc("2026-10-25T04:00")
    assert KOLKATA.add(local("Asia/Kolkata", "2026-11-20T16:30"), 2 * HOUR) == utc("2026-11-23T05:00")


NEW_YORK = "America/New_York"
APIA = "Pacific/Apia"
LORD_HOWE = "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("calendar", "start", "end", "hours"),
    [
        (NIGHT, "2026-03-28T20:00", "2026-03-29T08:00", 7),
        (NIGHT, "2026-10-24T20:00", "2026-10-25T08:00", 9),
        (AROUND_THE_CLOCK, "2026-03-29T00:00", "2026-03-30T00:00", 23),
        (AROUND_THE_CLOCK, "2026-10-25T00:00", "2026-10-26T00:00", 25),
        (a_calendar(NEW_YORK, "02:30-06:00"), "2026-03-08T00:00", "2026-03-09T00:00", 3),
        (a_calendar(NEW_YORK, "02:00-02:30"), "2026-03-08T00:00", "2026-03-09T00:00", 0),
        (a_calendar(NEW_YORK, "01:00-01:30"), "2026-11-01T00:00", "2026-11-02T00:00", 1),
        (a_calendar(NEW_YORK, "01:00-02:00"), "2026-11-01T00:00", "2026-11-02T00:00", 2),
        (a_calendar(LORD_HOWE, "00:00-24:00"), "2026-04-05T00:00", "2026-04-06T00:00", 24.5),
        (a_calendar(LORD_HOWE, "00:00-24:00"), "2026-10-04T00:00", "2026-10-05T00:00", 23.5),
        (a_calendar(APIA, "00:00-24:00"), "2011-12-29T00:00", "2011-12-31T00:00", 24),
        # Open almost always, so that it is counted and not only subtracted.
        (a_calendar(APIA, "00:00-24:00", closed=frozenset({date(2000, 1, 1)})), "2011-12-29T00:00",
         "2011-12-31T00:00", 24),
    ],
)  # fmt: skip
def test_open_time_between_two_local_times(calendar: Calendar, start: str, end: str, hours: float) -> None:
    zone = calendar.time_zone
    assert calendar.elapsed(local(zone, start), local(zone, end)) == hours * HOUR


def test_skipped_wall_times_move_the_opening_and_repeated_ones_make_two_pieces() -> None:
    spring = a_calendar(NEW_YORK, "02:30-06:00")
    assert spring.add(utc("2026-03-08T05:00"), 3 * HOUR) == utc("2026-03-08T10:00")
    assert spring.elapsed(utc("2026-03-08T06:59"), utc("2026-03-08T07:00")) == ZERO
    assert spring.elapsed(utc("2026-03-08T07:00"), utc("2026-03-08T07:01")) == MINUTE
    autumn = a_calendar(NEW_YORK, "01:00-01:30")
    assert [
        autumn.elapsed(start := utc(f"2026-11-01T{at}"), start + MINUTE)
        for at in ("05:00", "05:30", "06:00", "06:30")
    ] == [MINUTE, ZERO, MINUTE, ZERO]


def test_an_extra_opening_beats_a_closure_and_a_closure_beats_the_week() -> None:
    day = date(2026, 6, 10)
    calendar = a_calendar(
        "UTC",
        "09:00-17:00",
        closures={day: (parse_hours("10:00-16:00"),)},
        openings={day: (parse_hours("12:00-13:00"),), date(2026, 6, 11): (parse_hours("20:00-26:00"),)},
        closed=frozenset({date(2026, 6, 11), date(2026, 6, 12)}),
    )
    opened = [calendar.elapsed(utc(f"2026-06-{n}"), utc(f"2026-06-{n + 1}")) for n in (10, 11, 12, 13)]
    assert opened == [3 * HOUR, 4 * HOUR, 2 * HOUR, 8 * HOUR]


def test_holidays_are_asked_for_once_a_year() -> None:
    asked: list[int] = []

    def holidays(year: int) -> list[date]:
        asked.append(year)
        return [date(year, 1, 1)]

    calendar = a_calendar("UTC", "00:00-24:00", holiday_set="XX", holidays=holidays)
    assert calendar.elapsed(utc("2025-12-31"), utc("2027-01-02")) == timedelta(days=365)
    assert calendar.elapsed(utc("2025-12-31"), utc("2026-01-02")) == timedelta(days=1)
    assert asked == [2025, 2026, 2027]


@pytest.mark.parametrize(
    ("calendar", "at", "is_open", "turns_at"),
    [
        (OFFICE, "2026-12-23T08:59", False, "2026-12-23T09:00"),
        (OFFICE, "2026-12-23T09:00", True, "2026-12-23T17:00"),
        (OFFICE, "2026-12-23T17:00", False, "2026-12-24T09:00"),
        (OFFICE, "2026-12-25T18:00", False, "2026-12-28T09:00"),
        (LUNCH, "2026-12-24T12:30", False, "2026-12-24T13:00"),
        (NIGHT, "2026-12-31T23:00", True, "2027-01-01T06:00"),
        (NIGHT, "2026-03-28T23:00", True, "2026-03-29T06:00"),
        (NIGHT, "2026-10-24T23:00", True, "2026-10-25T06:00"),
        (AROUND_THE_CLOCK, "2026-03-01T12:00", True, None),
    ],
)
def test_it_stands_open_or_closed_until_it_turns(
    calendar: Calendar, at: str, is_open: bool, turns_at: str | None
) -> None:
    standing = calendar.standing(local(BERLIN, at))
    assert standing == (is_open, local(BERLIN, turns_at) if turns_at else None)


def test_it_turns_at_the_first_closing_when_it_was_open_for_months() -> None:
    calendar = a_calendar(BERLIN, "00:00-24:00", closed=frozenset({date(2026, 12, 25)}))
    assert calendar.standing(local(BERLIN, "2026-03-01T12:00")) == (True, local(BERLIN, "2026-12-25T00:00"))
    assert calendar.standing(local(BERLIN, "2027-03-01T12:00")) == (True, None)
    assert a_calendar(BERLIN, days=range(0)).standing(local(BERLIN, "2026-03-01T12:00")) == (False, None)


def test_a_calendar_without_an_opening_in_400_days_has_run_out() -> None:
    once = Calendar(time_zone="UTC", weekly={}, openings={date(2026, 1, 1): (WHOLE_DAY,)})
    assert once.add(utc("2025-01-01"), HOUR) == utc("2026-01-01T01:00")
    assert once.opens_after(utc("2025-01-01"))
    assert not once.opens_after(utc("2026-01-02"))
    for start, open_time in (("2024-06-01", HOUR), ("2026-01-01", 25 * HOUR), ("2026-01-02", MINUTE)):
        with pytest.raises(NoOpening):
            once.add(utc(start), open_time)
    assert once.add(utc("2026-01-02"), ZERO) == utc("2026-01-02")


@pytest.mark.parametrize("text", ["9:00-17:00", "24:00-25:00", "10:00-10:00", "12:00-09:00", "22:00-48:01", ""])
def test_hours_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="hours"):
        parse_hours(text)


def test_ten_years_are_counted_without_walking_them_again() -> None:
    calendar = a_calendar(BERLIN, "09:00-17:00", days=range(5))
    days = sum((date(2020, 1, 1) + timedelta(days=n)).weekday() < 5 for n in range(3653))
    for _ in range(1000):
        assert calendar.elapsed(utc("2020-01-01"), utc("2030-01-01")) == days * 8 * HOUR


def test_centuries_are_counted_in_parts_and_only_one_is_kept() -> None:
    weekly = a_calendar("UTC", "09:00-09:01", days=range(1))
    weeks = 52 * 300
    due = weekly.add(utc("2024-01-01"), weeks * MINUTE)
    assert due == utc("2024-01-01T09:01") + timedelta(weeks=weeks - 1)
    assert weekly.elapsed(utc("2024-01-01"), due) == weeks * MINUTE
    assert weekly.elapsed(utc("2024-01-01"), utc("2024-01-15")) == 2 * MINUTE
    assert weekly.standing(due) == (False, due + timedelta(weeks=1) - MINUTE)


def test_a_gap_of_400_days_is_one_however_the_years_around_it_became_known() -> None:
    days = (date(2024, 1, 1), date(2025, 2, 4), date(2026, 3, 13))
    calendar = Calendar(time_zone="UTC", weekly={}, openings=dict.fromkeys(days, (WHOLE_DAY,)))
    assert calendar.elapsed(utc("2023-01-01"), utc("2027-01-01")) == 72 * HOUR
    assert calendar.add(utc("2023-12-01"), 48 * HOUR) == utc("2025-02-05")
    with pytest.raises(NoOpening):
        calendar.add(utc("2024-06-01"), 25 * HOUR)
    assert calendar.add(utc("2025-02-06"), HOUR) == utc("2026-03-13T01:00")


def test_time_before_what_was_asked_about_first_is_counted_as_well() -> None:
    fresh = a_calendar(BERLIN, "09:00-17:00", days=range(5))
    assert fresh.elapsed(utc("2026-06-01"), utc("2026-06-08")) == 40 * HOUR
    assert fresh.elapsed(utc("2024-01-01"), utc("2024-01-08")) == 40 * HOUR
    assert fresh.add(utc("2020-01-01"), 8 * HOUR) == utc("2020-01-01T16:00")


def test_threads_may_ask_one_calendar_at_once() -> None:
    calendar = a_calendar(BERLIN, "09:00-17:00", days=range(5))
    weeks = [utc("2026-06-01") + timedelta(weeks=n) for n in (0, 40, -40, 80, -80, 120, -120, 160)]

    def opened(start: datetime) -> timedelta:
        return calendar.elapsed(start, start + timedelta(weeks=1))

    with ThreadPoolExecutor(8) as threads:
        assert all(list(threads.map(lambda start: calendar.add(start, HOUR) > start, weeks * 20)))
        counted = set(threads.map(opened, weeks * 20))
    assert counted == {40 * HOUR}


def test_open_stretches_are_listed_whole_across_months_and_cut_at_the_ends() -> None:
    calendar = a_calendar("UTC", "22:00-30:00")
    assert calendar.hours(utc("2026-04-30T23:00"), utc("2026-05-01T23:00")) == [
        (utc("2026-04-30T23:00"), utc("2026-05-01T06:00")),
        (utc("2026-05-01T22:00"), utc("2026-05-01T23:00")),
    ]
    assert ALWAYS.hours(utc("2026-04-30"), utc("2026-05-01")) == [(utc("2026-04-30"), utc("2026-05-01"))]
    assert ALWAYS.hours(utc("2026-04-30"), utc("2026-04-30")) == []


def test_a_closed_span_is_as_long_as_it_says_to_the_microsecond() -> None:
    closed = utc("2025-12-31T23:59:59.999999"), utc("2026-01-01T09:00:00.000001")

    def holidays(_year: int) -> list[Span]:
        return [closed]

    calendar = a_calendar("UTC", "00:00-24:00", holiday_set="spans", holidays=holidays)
    whole = timedelta(days=2)
    assert calendar.elapsed(utc("2025-12-31"), utc("2026-01-02")) == whole - (closed[1] - closed[0])
    assert calendar.standing(closed[0]) == (False, closed[1])
    opened = a_calendar(
        "UTC", "00:00-24:00", holiday_set="spans", holidays=holidays, openings={date(2026, 1, 1): (WHOLE_DAY,)}
    )
    assert opened.elapsed(utc("2025-12-31"), utc("2026-01-02")) == whole - timedelta(microseconds=1)
