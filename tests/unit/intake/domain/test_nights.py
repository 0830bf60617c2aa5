"""Moments of the night."""

from datetime import datetime, timedelta

import pytest

from services.intake.domain.nights import Timetable, after_start, next_night
from tests.unit.intake.builders import NOW

NAMES = [f"acme/{number}" for number in range(200)]


def test_after_a_start_each_has_a_moment_of_its_own_within_ten_minutes() -> None:
    moments = {after_start(NOW, name) - NOW for name in NAMES}
    assert len(moments) == len(NAMES)
    assert timedelta(minutes=1) <= min(moments) < max(moments) < timedelta(minutes=10)


@pytest.mark.parametrize("hour", [0, 2, 3, 4, 12, 23])
def test_the_next_night_is_in_the_quiet_hour_and_never_now(hour: int) -> None:
    now = NOW.replace(hour=hour, minute=30)
    moments: set[datetime] = {next_night(now, name) for name in NAMES}
    assert {moment.hour for moment in moments} == {3}
    assert all(timedelta() < moment - now <= timedelta(days=1) for moment in moments)
    assert all(
        next_night(next_night(now, name), name) - next_night(now, name) == timedelta(days=1) for name in NAMES
    )


def test_a_turn_comes_soon_after_the_start_and_then_every_night() -> None:
    timetable, first = Timetable(), after_start(NOW, "acme")
    assert not timetable.is_due(NOW, "acme")
    assert not timetable.is_due(first - timedelta(seconds=1), "acme")
    assert timetable.is_due(first, "acme")
    timetable.took(first, "acme", is_well=True)
    night = next_night(first, "acme")
    assert [timetable.is_due(at, "acme") for at in (night - timedelta(seconds=1), night)] == [False, True]


def test_a_turn_that_failed_comes_again_within_the_hour() -> None:
    timetable = Timetable()
    timetable.took(NOW, "acme", is_well=False)
    assert [timetable.is_due(NOW + timedelta(minutes=minutes), "acme") for minutes in (59, 60)] == [False, True]
