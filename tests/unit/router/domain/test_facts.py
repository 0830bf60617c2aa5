"""What conditions read of the time."""

from datetime import UTC, datetime

import pytest

from services.router.domain.facts import moment_at
from shared.calendar import ALWAYS, Calendar, Hours

OFFICE = Calendar(time_zone="Europe/Berlin", weekly={0: (Hours(9 * 60, 17 * 60),)})


@pytest.mark.parametrize(
    ("now", "hour", "minute_of_day", "weekday", "date"),
    [
        (datetime(2026, 3, 1, 23, 30, tzinfo=UTC), 0, 30, "monday", "2026-03-02"),
        (datetime(2026, 3, 2, 7, 59, tzinfo=UTC), 8, 539, "monday", "2026-03-02"),
        (datetime(2026, 7, 5, 21, 59, tzinfo=UTC), 23, 1439, "sunday", "2026-07-05"),
    ],
)
def test_time_is_told_by_the_workspaces_clock(
    now: datetime, hour: int, minute_of_day: int, weekday: str, date: str
) -> None:
    time = moment_at(now, "Europe/Berlin", {}).time
    assert time == {"hour": hour, "minute_of_day": minute_of_day, "weekday": weekday, "date": date}


@pytest.mark.parametrize(
    ("hour", "minute", "is_open"), [(7, 59, False), (8, 0, True), (15, 59, True), (16, 0, False)]
)
def test_a_calendar_is_open_from_its_opening_until_its_closing(hour: int, minute: int, is_open: bool) -> None:
    now = datetime(2026, 3, 2, hour, minute, tzinfo=UTC)
    moment = moment_at(now, "UTC", {"office": OFFICE, "always": ALWAYS})
    assert moment.calendar == {"office": is_open, "always": True}
