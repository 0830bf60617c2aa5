"""What feeds close, and when they are not believed."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.escalation.app.feeds import (
    FED,
    FedPart,
    Grounds,
    believed,
    further_closures,
    never_opening,
    next_after,
    retry_after,
    total_closures,
    work_out,
)
from shared.calendar_parts import CalendarPart, to_calendar
from shared.public_holidays import public_holidays

URL = "https://feeds.example/de.ics"
OTHER = "https://feeds.example/at.ics"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def document(*lines: str) -> str:
    return "\r\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"))


def a_calendar(*, url: str = URL, leave_out: Sequence[str] = (), **fields: Any) -> CalendarPart:
    dull = {"id": "office", "time_zone": "Europe/Berlin", "weekly": {"fri": ["09:00-17:00"]}}
    return CalendarPart.model_validate({**dull, **fields, "feeds": [{"url": url, "leave_out": leave_out}]})


XMAS = document("DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY", "SUMMARY:Christmas")


def test_closures_are_worked_out_for_the_years_around_and_come_back_from_their_row_as_they_were() -> None:
    fed = work_out([a_calendar()], {URL: XMAS}, 2026).fed
    assert fed["office"].dates == tuple(date(year, 12, 25) for year in range(2025, 2030))
    assert FED.validate_json(FED.dump_json(fed)) == fed
    timed = document("DTSTART:20261231T230000Z", "DTEND:20270101T010000Z")
    spans = work_out([a_calendar()], {URL: timed}, 2026).fed
    assert FED.validate_json(FED.dump_json(spans)) == spans
    ((_, of_year),) = further_closures(spans, "office")
    assert [list(of_year(year)) for year in (2025, 2026, 2027)] == [
        [], [spans["office"].spans[0]], [spans["office"].spans[0]],
    ]  # fmt: skip


def test_a_feed_closes_its_calendar_and_no_other() -> None:
    fed = work_out([a_calendar()], {URL: XMAS}, 2026).fed
    closed = to_calendar(a_calendar(), public_holidays, further_closures(fed, "office"))
    friday, day_after = datetime(2026, 12, 25, tzinfo=UTC), datetime(2026, 12, 26, tzinfo=UTC)
    assert closed.elapsed(friday, day_after).total_seconds() == 0
    assert closed != to_calendar(a_calendar(), public_holidays)
    assert further_closures(fed, "other") == ()


def test_a_feed_that_was_not_fetched_yet_closes_nothing_and_some_events_can_be_left_out() -> None:
    assert further_closures(work_out([a_calendar()], {}, 2026).fed, "office") == ()
    left_out = work_out([a_calendar(leave_out=["christmas"])], {URL: XMAS}, 2026).fed
    assert left_out["office"].dates == ()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<html>", "iCalendar"),
        (document("DTSTART:20260101T000000Z", "DURATION:PT1M",
                  "RRULE:FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24)))),
         "closes more than 5000 times in 2026"),
    ],
)  # fmt: skip
def test_a_feed_that_makes_no_sense_is_not_followed(text: str, wrong: str) -> None:
    held = {"office": FedPart(dates=(date(2026, 12, 24),))}
    other = a_calendar(id="shop", url=OTHER)
    worked = work_out([a_calendar(), other], {URL: text, OTHER: XMAS}, 2026, held)
    assert wrong in (worked.problem_of(URL) or "")
    assert worked.problem_of(OTHER) is None
    # What holds goes on there, and other calendars have what their own feeds say.
    assert worked.fed["office"] == held["office"]
    assert date(2026, 12, 25) in worked.fed["shop"].dates


def test_a_feed_that_closes_everything_is_not_followed_in_the_calendars_that_it_would_close() -> None:
    held = {"office": FedPart(dates=(date(2026, 12, 24),))}
    texts = {URL: document("DTSTART;VALUE=DATE:20260605", "RRULE:FREQ=WEEKLY"), OTHER: XMAS}
    always = {day: ["00:00-24:00"] for day in ("thu", "fri")}
    open_too = a_calendar(id="shop", weekly=always)
    calendars = [a_calendar(), open_too, a_calendar(id="desk", url=OTHER)]
    assert never_opening(calendars, work_out(calendars, texts, 2026).fed, NOW, public_holidays) == {"office"}
    worked = believed(calendars, texts, NOW, held, public_holidays)
    assert worked.problems == {("office", URL): "would leave calendar office closed for 400 days"}
    assert worked.fed["office"] == held["office"]
    assert date(2026, 6, 5) in worked.fed["shop"].dates
    assert date(2026, 12, 25) in worked.fed["desk"].dates


def test_what_another_holder_of_the_shard_may_have_changed_meanwhile_is_worked_out_again() -> None:
    mine = Grounds.of(1, 7, 2026, {URL: XMAS})
    assert mine == Grounds.of(1, 7, 2026, {URL: XMAS})
    assert mine != Grounds.of(3, 7, 2026, {URL: XMAS})
    assert mine != Grounds.of(1, 7, 2026, {URL: XMAS + " "})


def test_a_feed_that_goes_on_failing_is_tried_less_and_less_often() -> None:
    failing_for, pauses = timedelta(0), [HOUR]
    for _ in range(6):
        pauses.append(retry_after(failing_for, pauses[-1], HOUR))
        failing_for += pauses[-1]
    assert [pause // timedelta(minutes=1) for pause in pauses] == [60, 5, 5, 10, 20, 40, 60]
    second = timedelta(seconds=1)
    assert retry_after(timedelta(0), second, second) == second


def test_a_feed_that_keeps_changing_is_fetched_once_a_day_and_one_that_has_calmed_down_as_others() -> None:
    pauses = [timedelta(0)]
    for is_changed in (*[True] * 7, *[False] * 6):
        pauses.append(next_after(pauses[-1], HOUR, is_changed=is_changed))
    assert [pause / HOUR for pause in pauses] == [0, 1, 2, 4, 8, 16, 24, 24, 12, 6, 3, 1.5, 1, 1]
    two_days = timedelta(days=2)
    assert next_after(two_days, two_days, is_changed=True) == two_days


def test_a_feed_that_keeps_changing_is_not_fetched_more_often_because_it_fails_in_between() -> None:
    failing_for, pauses = timedelta(0), [24 * HOUR]
    for _ in range(6):
        pauses.append(retry_after(failing_for, pauses[-1], HOUR))
        failing_for += pauses[-1]
    assert [pause / HOUR for pause in pauses] == [24, 12, 6, 3, 1.5, 1, 1]


def test_what_closes_the_same_is_equal_however_its_events_are_written() -> None:
    def event(start: str, end: str) -> str:
        return f"BEGIN:VEVENT\r\nDTSTART:{start}\r\nDTEND:{end}\r\nEND:VEVENT\r\n"

    def fed(*events: str) -> dict[str, FedPart]:
        text = "BEGIN:VCALENDAR\r\n" + "".join(events) + "END:VCALENDAR"
        return work_out([a_calendar()], {URL: text}, 2026).fed

    whole, later = event("20260605T080000Z", "20260605T120000Z"), event("20260612T080000Z", "20260612T090000Z")
    one_after_another = (
        event("20260605T080000Z", "20260605T100000Z"),
        event("20260605T100000Z", "20260605T120000Z"),
    )
    overlapping = event("20260605T090000Z", "20260605T120000Z"), event("20260605T080000Z", "20260605T110000Z")
    assert fed(whole, later) == fed(later, *one_after_another) == fed(*overlapping, whole, later)
    assert fed(whole, later) != fed(whole)
    assert total_closures(fed(whole, later)) == 2
