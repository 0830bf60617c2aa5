"""What feeds close, and when they are not believed."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.escalation.app.feeds import FED, FeedProblem, check_openings, further_closures, work_out
from shared.calendar_parts import CalendarPart, to_calendar
from shared.public_holidays import public_holidays

URL = "https://feeds.example/de.ics"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def document(*lines: str) -> str:
    return "\r\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"))


def a_calendar(**more: Any) -> CalendarPart:
    fields = {"id": "office", "time_zone": "Europe/Berlin", "weekly": {"fri": ["09:00-17:00"]}}
    return CalendarPart.model_validate({**fields, "feeds": [{"url": URL, **more}]})


XMAS = document("DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY", "SUMMARY:Christmas")


def test_closures_are_worked_out_for_the_years_around_and_come_back_from_their_row_as_they_were() -> None:
    fed = work_out([a_calendar()], {URL: XMAS}, 2026)
    assert fed["office"].dates == tuple(date(year, 12, 25) for year in range(2025, 2030))
    assert FED.validate_json(FED.dump_json(fed)) == fed
    timed = document("DTSTART:20261231T230000Z", "DTEND:20270101T010000Z")
    spans = work_out([a_calendar()], {URL: timed}, 2026)
    assert FED.validate_json(FED.dump_json(spans)) == spans
    ((_, of_year),) = further_closures(spans, "office")
    assert [list(of_year(year)) for year in (2025, 2026, 2027)] == [
        [], [spans["office"].spans[0]], [spans["office"].spans[0]],
    ]  # fmt: skip


def test_a_feed_closes_its_calendar_and_no_other() -> None:
    fed = work_out([a_calendar()], {URL: XMAS}, 2026)
    closed = to_calendar(a_calendar(), public_holidays, further_closures(fed, "office"))
    friday, day_after = datetime(2026, 12, 25, tzinfo=UTC), datetime(2026, 12, 26, tzinfo=UTC)
    assert closed.elapsed(friday, day_after).total_seconds() == 0
    assert closed != to_calendar(a_calendar(), public_holidays)
    assert further_closures(fed, "other") == ()


def test_a_feed_that_was_not_fetched_yet_closes_nothing_and_some_events_can_be_left_out() -> None:
    assert further_closures(work_out([a_calendar()], {}, 2026), "office") == ()
    left_out = work_out([a_calendar(leave_out=["christmas"])], {URL: XMAS}, 2026)
    assert left_out["office"].dates == ()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<html>", "iCalendar"),
        (document("DTSTART:20260101T000000Z", "DURATION:PT1M",
                  "RRULE:FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24)))), "closes more of 2026"),
    ],
)  # fmt: skip
def test_a_feed_that_makes_no_sense_is_not_followed(text: str, wrong: str) -> None:
    with pytest.raises(FeedProblem, match=wrong):
        work_out([a_calendar()], {URL: text}, 2026)


def test_a_feed_that_closes_everything_is_not_followed() -> None:
    fed = work_out([a_calendar()], {URL: document("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY")}, 2026)
    with pytest.raises(FeedProblem, match="400 days"):
        check_openings([a_calendar()], fed, NOW, public_holidays)
    check_openings([a_calendar()], work_out([a_calendar()], {URL: XMAS}, 2026), NOW, public_holidays)
