"""Holiday feeds: what each kind of event closes, and documents that are none, or made to do harm."""

from datetime import UTC, date, datetime, timedelta
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.calendar import Calendar, parse_hours
from shared.ical_feed import MOST_A_YEAR, IcalProblem, ical_closures

HOUR = timedelta(hours=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def event(*lines: str, uid: str = "1") -> str:
    return "\r\n".join(("BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT", ""))


def document(*events: str) -> str:
    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + "".join(events) + "END:VCALENDAR\r\n"


def closed(*events: str, year: int = 2026, zone: str = "Europe/Berlin") -> list[object]:
    found = ical_closures(document(*events), zone)(year)
    return sorted((f"{each:%m-%d}" if isinstance(each, date) else each for each in found), key=str)


def spans(*events: str, year: int = 2026, zone: str = "Europe/Berlin") -> list[str]:
    found = ical_closures(document(*events), zone)(year)
    return [f"{each[0]:%m-%dT%H:%M:%S}/{each[1]:%m-%dT%H:%M:%S}" for each in found if isinstance(each, tuple)]


def test_an_event_of_dates_ends_before_its_end_and_without_one_lasts_a_day() -> None:
    assert closed(event("DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227")) == ["12-25", "12-26"]
    assert closed(event("DTSTART;VALUE=DATE:20261225")) == ["12-25"]
    assert closed(event("DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261225")) == ["12-25"]
    assert closed(event("DTSTART;VALUE=DATE:20261225", "DURATION:P3D")) == ["12-25", "12-26", "12-27"]


def test_an_event_over_the_new_year_closes_the_days_of_each() -> None:
    over = event("DTSTART;VALUE=DATE:20261230", "DTEND;VALUE=DATE:20270103")
    assert closed(over) == ["12-30", "12-31"]
    assert closed(over, year=2027) == ["01-01", "01-02"]
    assert closed(over, year=2028) == []


def test_a_rule_repeats_an_event_and_a_number_or_a_last_day_ends_it() -> None:
    assert closed(event("DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY")) == ["12-25"]
    assert closed(event("DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY;COUNT=6")) == []
    assert closed(event("DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY;COUNT=7")) == ["12-25"]
    assert closed(event("DTSTART;VALUE=DATE:20260601", "RRULE:FREQ=DAILY;UNTIL=20260603")) == [
        "06-01", "06-02", "06-03",
    ]  # fmt: skip
    assert closed(event("DTSTART;VALUE=DATE:20260105", "RRULE:FREQ=MONTHLY;BYDAY=1MO;COUNT=3")) == [
        "01-05", "02-02", "03-02",
    ]  # fmt: skip


def test_days_that_are_left_out_or_added_are() -> None:
    rule = "RRULE:FREQ=DAILY;COUNT=4"
    assert closed(event("DTSTART;VALUE=DATE:20260601", rule, "EXDATE;VALUE=DATE:20260602,20260603")) == [
        "06-01", "06-04",
    ]  # fmt: skip
    assert closed(event("DTSTART;VALUE=DATE:20260601", "RDATE;VALUE=DATE:20260701,20260801")) == [
        "06-01", "07-01", "08-01",
    ]  # fmt: skip
    timed = event("DTSTART:20260601T080000Z", "DTEND:20260601T090000Z", rule, "EXDATE:20260602T080000Z")
    assert len(spans(timed)) == 3


def test_an_instance_that_was_moved_closes_where_it_went_and_one_that_was_cancelled_nothing() -> None:
    series = event("DTSTART;VALUE=DATE:20200501", "RRULE:FREQ=YEARLY")
    moved = event("RECURRENCE-ID;VALUE=DATE:20260501", "DTSTART;VALUE=DATE:20260504")
    cancelled = event("RECURRENCE-ID;VALUE=DATE:20260501", "DTSTART;VALUE=DATE:20260501", "STATUS:CANCELLED")
    assert closed(series, moved) == ["05-04"]
    assert closed(series, moved, year=2027) == ["05-01"]
    assert closed(series, cancelled) == []
    into_next_year = event("RECURRENCE-ID;VALUE=DATE:20260501", "DTSTART;VALUE=DATE:20270204")
    assert closed(series, into_next_year) == []
    assert closed(series, into_next_year, year=2027) == ["02-04", "05-01"]


def test_all_that_follow_may_be_moved_together() -> None:
    series = event(
        "DTSTART;TZID=Europe/Berlin:20260302T090000", "DTEND;TZID=Europe/Berlin:20260302T100000",
        "RRULE:FREQ=WEEKLY;COUNT=5",
    )  # fmt: skip
    onward = event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260316T090000",
        "DTSTART;TZID=Europe/Berlin:20260317T140000", "DTEND;TZID=Europe/Berlin:20260317T143000",
    )  # fmt: skip
    assert spans(series, onward) == [
        "03-02T08:00:00/03-02T09:00:00", "03-09T08:00:00/03-09T09:00:00",
        "03-24T13:00:00/03-24T13:30:00", "03-31T12:00:00/03-31T12:30:00",
        "03-17T13:00:00/03-17T13:30:00",
    ]  # fmt: skip


def test_a_later_edition_takes_the_place_of_an_earlier_one() -> None:
    first = event("DTSTART;VALUE=DATE:20260501", "SEQUENCE:0")
    second = event("DTSTART;VALUE=DATE:20260504", "SEQUENCE:1")
    assert closed(second, first) == ["05-04"]


def test_different_days_under_one_name_are_all_closed() -> None:
    assert closed(event("DTSTART;VALUE=DATE:20260501"), event("DTSTART;VALUE=DATE:20260504")) == ["05-01", "05-04"]


def test_times_close_their_span_to_the_second_and_nothing_else() -> None:
    timed = event("DTSTART;TZID=Europe/Berlin:20260701T100007", "DTEND;TZID=Europe/Berlin:20260701T113000")
    assert spans(timed) == ["07-01T08:00:07/07-01T09:30:00"]
    assert spans(event("DTSTART:20260701T080000Z", "DURATION:PT90M")) == ["07-01T08:00:00/07-01T09:30:00"]
    assert closed(event("DTSTART:20260701T080000Z")) == []


def test_times_without_a_zone_are_the_calendar_s() -> None:
    floating = event("DTSTART:20260701T100000", "DTEND:20260701T110000")
    assert spans(floating) == ["07-01T08:00:00/07-01T09:00:00"]
    assert spans(floating, zone="Asia/Kolkata") == ["07-01T04:30:00/07-01T05:30:00"]


def test_times_repeat_by_their_own_wall_clock_and_hours_are_hours() -> None:
    nightly = event(
        "DTSTART;TZID=Europe/Berlin:20260327T220000", "DTEND;TZID=Europe/Berlin:20260328T060000",
        "RRULE:FREQ=DAILY;COUNT=3",
    )  # fmt: skip
    assert spans(nightly) == [
        "03-27T21:00:00/03-28T05:00:00", "03-28T21:00:00/03-29T05:00:00", "03-29T20:00:00/03-30T04:00:00",
    ]  # fmt: skip
    assert spans(event("DTSTART;TZID=Europe/Berlin:20260328T120000", "DURATION:P1D")) == [
        "03-28T11:00:00/03-29T10:00:00"
    ]


@pytest.mark.parametrize("line", ["STATUS:CANCELLED", "TRANSP:TRANSPARENT", "transp:transparent"])
def test_what_is_cancelled_or_transparent_closes_nothing(line: str) -> None:
    assert closed(event("DTSTART;VALUE=DATE:20261225", line)) == []
    assert closed(event("DTSTART;VALUE=DATE:20261225", "STATUS:TENTATIVE", "TRANSP:OPAQUE")) == ["12-25"]


def test_single_events_can_be_left_out_by_their_summary() -> None:
    text = document(
        event("DTSTART;VALUE=DATE:20261111", "SUMMARY:St. Martin's  Day", uid="1"),
        event("DTSTART;VALUE=DATE:20261225", "SUMMARY:Christmas\\, first day", uid="2"),
    )
    assert ical_closures(text, "UTC", leave_out=["st. martin's day"])(2026) == [date(2026, 12, 25)]
    assert ical_closures(text, "UTC", leave_out=["Christmas, First Day"])(2026) == [date(2026, 11, 11)]


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("W. Europe Standard Time", "08:00"),
        ("/freeassociation.sourceforge.net/Europe/Berlin", "08:00"),
        ("America/Argentina/Buenos_Aires", "13:00"),
    ],
)
def test_zones_are_known_by_the_names_that_programs_give_them(zone: str, start: str) -> None:
    timed = event(f"DTSTART;TZID={zone}:20260701T100000", f"DTEND;TZID={zone}:20260701T110000")
    assert spans(timed)[0].startswith(f"07-01T{start}")


def test_lines_may_be_folded_and_end_as_they_like() -> None:
    text = document(event("DTSTART;VALUE=DA\r\n TE:20261225", "SUMMARY:" + "x" * 60 + "\r\n\ty"))
    assert ical_closures(text, "UTC")(2026) == ical_closures("\ufeff" + text.replace("\r", ""), "UTC")(2026)
    assert ical_closures(text, "UTC")(2026) == [date(2026, 12, 25)]


def test_a_calendar_closed_by_a_feed_measures_around_it() -> None:
    text = document(
        event("DTSTART;VALUE=DATE:20261225", uid="1"),
        event("DTSTART:20261228T100000", "DTEND:20261228T103000", uid="2"),
    )
    office = Calendar(
        time_zone="Europe/Berlin",
        weekly=dict.fromkeys(range(5), (parse_hours("09:00-17:00"),)),
        holiday_set="feed",
        holidays=ical_closures(text, "Europe/Berlin"),
    )
    assert office.add(utc("2026-12-24T15:00"), 3 * HOUR) == utc("2026-12-28T10:30")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "begin"),
        ("<html>not found</html>", "begin"),
        ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261225", "breaks off"),
        ("BEGIN:VCALENDAR\r\nEND:VEVENT\r\nEND:VCALENDAR", "iCalendar"),
        (document("garbage\r\n"), "iCalendar"),
        (document(event("SUMMARY:x")), "event 1: it has no DTSTART"),
        (document(event("DTSTART:yesterday")), "event 1: "),
        (document(event("DTSTART:20260101", "DTSTART:20260102")), "event 1: "),
        (document(event("DTSTART:00010101T000000Z")), "event 1: "),
        (document(event("DTSTART;VALUE=DATE:99991231")), "centuries"),
        (document(event("DTSTART;TZID=Middle-earth/Shire:20260101T100000")), "time zone"),
        (document(event("DTSTART;VALUE=DATE:20260101", "DTEND:20260102T000000Z")), "one is a date"),
        (document(event("DTSTART:20260102T000000Z", "DTEND:20260101T000000Z")), "ends before"),
        (document(event("DTSTART;VALUE=DATE:20260101", "DTEND;VALUE=DATE:20280101")), "366 days"),
        (document(event("DTSTART;VALUE=DATE:20260101", "DURATION:P99999999999999D")), "event 1: "),
        (document(event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=SECONDLY")), "event 1: "),
        (document(event("DTSTART;VALUE=DATE:20260101", "RRULE:nonsense")), "event 1: "),
        (document(event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY")), "RRULE"),
        (document(event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31;COUNT=1")),
         "counts for too long"),
        (document(*[event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY")] * 501), "repeat"),
        (document(event("DTSTART;VALUE=DATE:20260101", "SUMMARY:a\x00b")), "control"),
        (document("X:" + "x" * 2_000_000 + "\r\n"), "larger"),
    ],
)  # fmt: skip
def test_a_document_that_is_none_is_refused_in_words(text: str, wrong: str) -> None:
    with pytest.raises(IcalProblem, match=wrong):
        ical_closures(text, "Europe/Berlin")


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("DTSTART;VALUE=TEXT:20260101", "its DTSTART is not a date or a time"),
        ("DTSTART;VALUE=UNKNOWN:20260101", "its DTSTART is not a date or a time"),
        ("DTSTART;VALUE=INTEGER:20260101", "its DTSTART is not a date or a time"),
        ("DTSTART;VALUE=DATE-TIME-LIST:20260101", "its DTSTART is not a date or a time"),
        ("DTSTART;VALUE=PERIOD:20260101T000000Z/P1D", "its DTSTART is not a date or a time"),
        ("DTEND;VALUE=URI:20260102", "its DTEND is not a date or a time"),
        ("DURATION;VALUE=TEXT:P1D", "its DURATION is none"),
        ("DURATION;VALUE=DATE:20260102", "its DURATION is none"),
        ("RECURRENCE-ID;VALUE=TEXT:20260101", "its RECURRENCE-ID is not a date or a time"),
        ("RRULE;VALUE=DATE:20260101", "its RRULE is none"),
        ("RRULE;VALUE=TEXT:FREQ=DAILY", "its RRULE is none"),
        ("RRULE;VALUE=GEO:1;2", "its RRULE is none"),
        ("RDATE:nonsense", "its RDATE is not a list of dates or times"),
        ("EXDATE:20260101T", "its EXDATE is not a list of dates or times"),
    ],
)
def test_a_property_of_another_type_is_refused_in_words(line: str, wrong: str) -> None:
    dated = [] if line.startswith("DTSTART") else ["DTSTART;VALUE=DATE:20260101"]
    with pytest.raises(IcalProblem, match=f"^event 1: {wrong}$"):
        closed(event(*dated, line))


VALID = {
    "UID": "2", "DTSTART": "20260101T080000Z", "DTEND": "20260102T080000Z", "DURATION": "P1D",
    "RRULE": "FREQ=WEEKLY;COUNT=3;BYDAY=MO,TU", "RDATE": "20260105,20260106", "EXDATE": "20260101T080000Z",
    "RECURRENCE-ID": "20260101T080000Z", "SEQUENCE": "1", "STATUS": "CONFIRMED", "TRANSP": "OPAQUE",
    "SUMMARY": "Outing", "CATEGORIES": "a,b", "GEO": "1;2", "X-ANY": "x",
}  # fmt: skip
VALUES = [
    "ADR", "BINARY", "BOOLEAN", "CAL-ADDRESS", "CATEGORIES", "DATE", "DATE-TIME", "DATE-TIME-LIST", "DURATION",
    "FLOAT", "GEO", "INLINE", "INTEGER", "N", "ORG", "PERIOD", "RECUR", "TEXT", "TIME", "UID", "UNKNOWN", "URI",
    "UTC-OFFSET", "XML-REFERENCE", "X-OTHER", "",
]  # fmt: skip
PARAMETERS = st.one_of(
    st.just(""),
    st.sampled_from(VALUES).map(lambda name: f";VALUE={name}"),
    st.sampled_from([
        ";TZID=Europe/Berlin", ";TZID=UTC", ";TZID=x", ";TZID=a,b", ";RANGE=THISANDFUTURE", ";ENCODING=BASE64",
        ";VALUE=DATE,TEXT", ";VALUE", ";=x", ';X="',
    ]),
)  # fmt: skip
WORTH = st.one_of(
    st.sampled_from([
        *VALID.values(), "", "1", "-1", "1.5", "inf", "nan", "TRUE", "+0100", "120000", "20260101", "00010101",
        "99991231T235959", "20260101/20260102", "20260101T000000Z/PT1H", "PT1H", "-P1D", "P9999999999D",
        "a;b;c;d;e;f;g", "FREQ=YEARLY;UNTIL=00010101T000000Z", "FREQ=DAILY;UNTIL=99991231T235959Z",
        "FREQ=DAILY;COUNT=0", "FREQ=MONTHLY;BYSETPOS=-1", "FREQ=DAILY;SKIP=OMIT", "FREQ", "=", "9" * 5_000,
    ]),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=12),
)  # fmt: skip
LINES = st.lists(
    st.tuples(st.sampled_from(sorted(VALID)), PARAMETERS, WORTH).map(lambda of: f"{of[0]}{of[1]}:{of[2]}")
)


@given(kept=st.sets(st.sampled_from(sorted(VALID))), lines=LINES)
@example(kept=set(), lines=["DTSTART;VALUE=ADR:a;b;c;d;e;f;g"])
@example(kept={"DTSTART"}, lines=["SEQUENCE;VALUE=FLOAT:inf"])
def test_whatever_stands_in_an_event_it_is_understood_or_refused(kept: set[str], lines: list[str]) -> None:
    series = event("DTSTART:20260101T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=9", uid="2")
    text = document(series, event(*(f"{name}:{VALID[name]}" for name in sorted(kept)), *lines))
    try:
        closures = ical_closures(text, "Europe/Berlin", leave_out=["x"])
    except IcalProblem:
        return
    closures.check(range(2025, 2028))
    for year in (1900, 2026, 2199):
        assert all(isinstance(each, date | tuple) for each in closures(year))


def test_an_event_is_told_by_its_place_in_the_document_whatever_is_left_out() -> None:
    text = document(
        event("DTSTART;VALUE=DATE:20261111", "SUMMARY:Outing", uid="1"),
        event("DTSTART;VALUE=DATE:20261225", uid="2"),
        event("SUMMARY:Christmas", uid="3"),
    )
    with pytest.raises(IcalProblem, match=r"^event 3: it has no DTSTART"):
        ical_closures(text, "UTC", leave_out=["outing"])


def test_a_time_zone_of_a_document_s_own_is_not_worked_out() -> None:
    forever = "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31"
    zone = (
        "BEGIN;X=1:VTIME\r\n ZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\n"
        f"{forever}\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0500\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    timed = event("DTSTART;TZID=Europe/Berlin:20260701T100000", "DTEND;TZID=Europe/Berlin:20260701T110000")
    assert spans(zone, timed) == ["07-01T08:00:00/07-01T09:00:00"]


def test_however_much_a_document_repeats_a_year_has_an_end() -> None:
    begun = process_time()
    busy = "RRULE:FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24)))
    closures = ical_closures(
        document(*[event("DTSTART:20200101T000000Z", "DURATION:PT1M", busy, uid=str(n)) for n in range(500)]),
        "UTC",
    )
    assert len(list(closures(2026))) == MOST_A_YEAR
    with pytest.raises(IcalProblem, match=r"^closes more than 5000 times in 2026$"):
        closures.check([2019, 2026])
    closures.check([2019])
    # Of the processor, and a hundred times what it takes: repeating without an end takes for ever.
    assert process_time() - begun < 60


def test_a_year_has_room_for_all_that_is_counted_and_no_more() -> None:
    day = "DTSTART;VALUE=DATE:20260101"
    full = [event(day, uid=str(number)) for number in range(MOST_A_YEAR)]
    closures = ical_closures(document(*full), "UTC")
    closures.check(range(2025, 2028))
    assert len(closures(2026)) == MOST_A_YEAR
    with pytest.raises(IcalProblem, match=r"^closes more than 5000 times in 2026$"):
        ical_closures(document(*full, event(day, uid="more")), "UTC").check(range(2025, 2028))


@pytest.mark.parametrize(
    "line",
    [
        "RDATE;VALUE=DATE:" + "secret" * 5_000,
        "EXDATE:secret",
        "DURATION:secret",
        "RRULE:FREQ=SECRET",
        "RRULE:FREQ=DAILY;COUNT=secret",
    ],
)
def test_what_is_told_of_a_broken_event_repeats_nothing_of_it(line: str) -> None:
    with pytest.raises(ValueError, match=r"^event 2: ") as refused:
        closed(event("DTSTART;VALUE=DATE:20260101"), event("DTSTART;VALUE=DATE:20260101", line, uid="2"))
    assert len(str(refused.value)) <= 200
    assert "secret" not in str(refused.value).lower()
