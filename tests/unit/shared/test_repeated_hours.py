"""Where a calendar opens or closes in an hour that its clock shows twice."""

from datetime import UTC, datetime

import pytest

from shared.calendar import ALWAYS, Calendar, parse_hours
from shared.repeated_hours import edges_in_repeated_hours

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def edges(zone: str, *hours: str) -> list[str]:
    calendar = Calendar(time_zone=zone, weekly=dict.fromkeys(range(7), tuple(map(parse_hours, hours))))
    return [f"{edge:%m-%d %H:%M}" for edge in edges_in_repeated_hours(calendar, START, END)]


@pytest.mark.parametrize(
    ("zone", "hours", "found"),
    [
        ("Europe/Berlin", "02:30-06:00", ["10-25 02:30"]),
        ("Europe/Berlin", "22:00-26:15", ["10-25 02:15"]),
        ("Europe/Berlin", "02:00-03:00", []),
        ("Europe/Berlin", "09:00-17:00", []),
        ("America/New_York", "01:15-01:45", ["11-01 01:15", "11-01 01:45"]),
        ("Australia/Lord_Howe", "01:45-09:00", ["04-05 01:45"]),
        ("Australia/Lord_Howe", "01:15-09:00", []),
        ("America/Santiago", "23:30-30:00", ["04-04 23:30"]),
        ("Asia/Kolkata", "02:30-06:00", []),
    ],
)
def test_it_is_found_on_the_day_on_which_the_clock_goes_back(zone: str, hours: str, found: list[str]) -> None:
    assert edges(zone, hours) == found


def test_what_is_always_open_has_none() -> None:
    assert list(edges_in_repeated_hours(ALWAYS, START, END)) == []
