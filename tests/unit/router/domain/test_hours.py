"""Duty at an instant, and when it turns: on real clocks, with nights, transitions and leave."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.router.domain.hours import Duty, OffDuty, TimeOff, merged
from shared.calendar import Calendar, parse_hours

BERLIN = "Europe/Berlin"


def week(*hours: str, zone: str = BERLIN, days: range = range(7)) -> Calendar:
    return Calendar(time_zone=zone, weekly={day: tuple(map(parse_hours, hours)) for day in days})


def at(text: str, zone: str = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def away(start: str, end: str) -> TimeOff:
    return TimeOff(starts_at=at(start), ends_at=at(end))


def turns(duty: Duty, text: str) -> tuple[OffDuty | None, datetime | None]:
    standing = duty.at(at(text))
    return standing.off_duty, duty.turns_at(standing)


OFFICE = Duty(shifts=week("09:00-17:00", days=range(5)))
NIGHT = Duty(shifts=week("22:00-30:00", days=range(5)))


@pytest.mark.parametrize(
    ("duty", "instant", "off_duty", "turns_at"),
    [
        (OFFICE, "2026-11-23T08:59:59", OffDuty.OFF_SHIFT, "2026-11-23T09:00"),
        (OFFICE, "2026-11-23T09:00", None, "2026-11-23T17:00"),
        (OFFICE, "2026-11-27T17:00", OffDuty.OFF_SHIFT, "2026-11-30T09:00"),
        # The night of Friday ends on Saturday.
        (NIGHT, "2026-11-28T05:59", None, "2026-11-28T06:00"),
        (NIGHT, "2026-11-28T06:00", OffDuty.OFF_SHIFT, "2026-11-30T22:00"),
        # In the nights in which clocks are changed, the shift still ends at six.
        (Duty(shifts=week("22:00-30:00")), "2026-03-29T01:30", None, "2026-03-29T06:00"),
        (Duty(shifts=week("22:00-30:00")), "2026-10-25T01:30", None, "2026-10-25T06:00"),
        # Half past two does not exist on that day: the shift begins when the clocks go forward.
        (Duty(shifts=week("02:30-05:00")), "2026-03-29T01:59", OffDuty.OFF_SHIFT, "2026-03-29T03:00"),
    ],
)
def test_a_shift_is_on_the_clock_of_its_zone(
    duty: Duty, instant: str, off_duty: OffDuty | None, turns_at: str
) -> None:
    assert turns(duty, instant) == (off_duty, at(turns_at))


def test_equal_hours_in_other_zones_begin_at_other_times() -> None:
    noon = at("2026-11-23T12:00", "UTC")
    for zone, is_on in (("Asia/Kolkata", False), ("America/New_York", False), ("UTC", True)):
        assert (Duty(shifts=week("09:00-17:00", zone=zone)).at(noon).off_duty is None) is is_on
    kolkata = Duty(shifts=week("09:00-17:00", zone="Asia/Kolkata"))
    assert kolkata.at(noon).until == at("2026-11-24T09:00", "Asia/Kolkata")


def test_without_shifts_somebody_is_always_on_duty() -> None:
    assert turns(Duty(), "2026-11-23T03:00") == (None, None)


def test_leave_outweighs_shifts_and_ends_into_the_next_one() -> None:
    duty = Duty(shifts=OFFICE.shifts, time_off=(away("2026-11-23T12:00", "2026-11-25T00:00"),))
    assert turns(duty, "2026-11-23T11:00") == (None, at("2026-11-23T12:00"))
    assert turns(duty, "2026-11-23T12:00") == (OffDuty.TIME_OFF, at("2026-11-25T09:00"))
    assert turns(duty, "2026-11-25T03:00") == (OffDuty.OFF_SHIFT, at("2026-11-25T09:00"))


def test_leave_that_begins_at_night_turns_nothing_but_is_the_reason_from_then_on() -> None:
    duty = Duty(shifts=OFFICE.shifts, time_off=(away("2026-11-24T00:00", "2026-11-25T00:00"),))
    before = duty.at(at("2026-11-23T20:00"))
    assert (before.off_duty, before.until) == (OffDuty.OFF_SHIFT, at("2026-11-24T00:00"))
    assert duty.turns_at(before) == at("2026-11-25T09:00")
    assert duty.at(at("2026-11-24T00:00")).off_duty is OffDuty.TIME_OFF


def test_who_is_always_on_duty_may_be_on_leave() -> None:
    duty = Duty(time_off=(away("2026-11-24T00:00", "2026-11-25T00:00"),))
    assert turns(duty, "2026-11-23T20:00") == (None, at("2026-11-24T00:00"))
    assert turns(duty, "2026-11-24T20:00") == (OffDuty.TIME_OFF, at("2026-11-25T00:00"))
    assert turns(duty, "2026-11-25T00:00") == (None, None)


def test_absences_that_touch_or_overlap_are_one() -> None:
    joined = merged(
        [
            away("2026-12-26T00:00", "2026-12-30T00:00"),
            away("2026-12-24T00:00", "2026-12-26T00:00"),
            away("2026-12-25T00:00", "2026-12-25T12:00"),
            away("2027-01-04T00:00", "2027-01-05T00:00"),
        ]
    )
    assert joined == (away("2026-12-24T00:00", "2026-12-30T00:00"), away("2027-01-04T00:00", "2027-01-05T00:00"))


def test_a_shift_ends_only_for_whoever_is_on_one() -> None:
    assert OFFICE.shift_ends_at(at("2026-11-23T10:00")) == at("2026-11-23T17:00")
    assert OFFICE.shift_ends_at(at("2026-11-23T20:00")) is None
    before_leave = Duty(time_off=(away("2026-11-23T12:00", "2026-11-24T00:00"),))
    assert before_leave.shift_ends_at(at("2026-11-23T10:00")) is None
    assert Duty(shifts=week("00:00-24:00", days=range(6))).shift_ends_at(at("2026-11-23T10:00")) is None
