"""Hand-offs: published vectors, and an oracle that watches a local clock tick."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.escalation.domain.hand_offs import HandOffs, Period
from tests.unit.escalation.domain.rotas import hand_offs, utc

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("first", "second", "hours"),
    [
        ("2026-03-23T08:00", "2026-03-30T07:00", 167),
        ("2026-03-30T07:00", "2026-04-06T07:00", 168),
        ("2026-10-19T07:00", "2026-10-26T08:00", 169),
    ],
)
def test_a_week_in_berlin_is_as_long_as_its_clock_says(first: str, second: str, hours: int) -> None:
    turns = hand_offs("weekly", "2026-01-05", "09:00")
    number = turns.number(utc(first))
    assert [turns.at(number), turns.at(number + 1)] == [utc(first), utc(second)]
    assert utc(second) - utc(first) == hours * HOUR
    assert turns.number(utc(second) - timedelta(microseconds=1)) == number


def test_a_turn_on_the_31st_is_handed_off_at_the_end_of_shorter_months() -> None:
    turns = hand_offs("monthly", "2027-12-31", "00:00", time_zone="UTC")
    assert [turns.at(number).date() for number in range(5)] == [
        date(2027, 12, 31),
        date(2028, 1, 31),
        date(2028, 2, 29),
        date(2028, 3, 31),
        date(2028, 4, 30),
    ]


def test_turns_begin_with_the_first_such_day() -> None:
    assert hand_offs("weekly", "2026-11-04", weekday=0).at(0) == utc("2026-11-09T08:00")
    assert hand_offs("weekly", "2026-11-02", weekday=0).at(0) == utc("2026-11-02T08:00")
    assert hand_offs("monthly", "2026-11-02", month_day=1).at(0) == utc("2026-12-01T08:00")
    assert hand_offs("monthly", "2026-11-02", month_day=30, every=3).at(1) == utc("2027-02-28T08:00")


def test_a_hand_off_in_a_skipped_hour_is_when_the_clock_jumps() -> None:
    assert hand_offs("daily", "2026-03-29", "02:30").at(0) == utc("2026-03-29T01:00")
    assert hand_offs("daily", "2026-10-04", "02:10", time_zone="Australia/Lord_Howe").at(0) == utc(
        "2026-10-03T15:30"
    )
    assert hand_offs("daily", "2011-12-30", "12:00", time_zone="Pacific/Apia").at(0) == utc("2011-12-30T10:00")


def test_a_hand_off_in_a_repeated_hour_is_at_the_first_pass() -> None:
    assert hand_offs("daily", "2026-10-25", "02:30").at(0) == utc("2026-10-25T00:30")


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago", "UTC")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@lru_cache
def latest_wall_times(time_zone: str) -> list[datetime]:
    """For every quarter of an hour of the year the latest local time that the clock has shown by then."""
    zone, latest, shown = ZoneInfo(time_zone), datetime.min, []  # noqa: DTZ901 - wall times have no zone
    for step in range(365 * 96):
        latest = max(latest, (BEGIN + step * QUARTER).astimezone(zone).replace(tzinfo=None))
        shown.append(latest)
    return shown


def count_by_watching(turns: HandOffs, step: int) -> int:
    """How many hand-offs the clock has passed since the first, day after day; -1: not even that."""
    latest = latest_wall_times(turns.time_zone)[step]
    count, day = -1, turns.starts_on
    hits = 0
    while datetime.combine(day, datetime.min.time()) + timedelta(minutes=turns.minute) <= latest:
        if is_hand_off_day(turns, day):
            count += hits % turns.every == 0
            hits += 1
        day += timedelta(days=1)
    return count


def is_hand_off_day(turns: HandOffs, day: date) -> bool:
    if turns.period is Period.DAILY:
        return True
    if turns.period is Period.WEEKLY:
        weekday = turns.starts_on.weekday() if turns.weekday is None else turns.weekday
        return day.weekday() == weekday
    wanted = turns.month_day or turns.starts_on.day
    is_last = (day + timedelta(days=1)).day == 1
    return day.day == wanted or (is_last and day.day < wanted)


some_hand_offs = st.builds(
    HandOffs,
    period=st.sampled_from(Period),
    every=st.integers(1, 4),
    minute=st.integers(0, 95).map(lambda quarter: quarter * 15),
    weekday=st.none() | st.integers(0, 6),
    month_day=st.none() | st.integers(1, 31),
    starts_on=st.dates(date(2026, 1, 5), date(2026, 12, 20)),
    time_zone=st.sampled_from(ZONES),
)


@given(some_hand_offs, st.integers(0, 365 * 96 - 1))
def test_hand_offs_are_counted_as_a_local_clock_passes_them(turns: HandOffs, step: int) -> None:
    assert max(-1, turns.number(BEGIN + step * QUARTER)) == count_by_watching(turns, step)


@given(some_hand_offs, st.integers(-60, 400))
def test_a_hand_off_is_the_first_instant_that_counts_it(turns: HandOffs, number: int) -> None:
    at = turns.at(number)
    assert turns.number(at) == number
    assert turns.number(at - timedelta(microseconds=1)) == number - 1


@given(some_hand_offs)
def test_hand_offs_come_one_after_the_other(turns: HandOffs) -> None:
    assert all(one < two for one, two in pairwise(turns.at(number) for number in range(-20, 60)))
