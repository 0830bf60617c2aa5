"""Recurrence rules: the examples of RFC 5545, an independent implementation, and rules made to take for ever."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped] # it has no types
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.recurrence import Rule, last_of

START = datetime.fromisoformat("1997-09-02T09:00")
END = datetime.fromisoformat("2027-01-01")


def rule(text: str, start: datetime = START) -> Rule:
    parts = (part.partition("=") for part in text.split(";"))
    return Rule.read({name: values.split(",") for name, _, values in parts}, start)


def named(text: str, most: int, start: datetime = START) -> list[str]:
    found = rule(text, start).between(start, start.date(), date(2060, 1, 1))
    return [f"{each:%Y-%m-%d}" for each in islice(found, most)]


@pytest.mark.parametrize(
    ("text", "start", "days"),
    [
        ("FREQ=YEARLY;BYDAY=20MO", "1997-05-19", "1997-05-19 1998-05-18 1999-05-17"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05-12", "1997-05-12 1998-05-11 1999-05-17"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2025-01-01", "2025-12-29 2027-01-04 2028-01-03"),
        ("FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200", "1997-01-01",
         "1997-01-01 1997-04-10 1997-07-19 2000-01-01"),
        ("FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "1996-11-05",
         "1996-11-05 2000-11-07 2004-11-02"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2024-02-29", "2024-02-29 2028-02-29"),
        ("FREQ=YEARLY", "2024-02-29", "2024-02-29 2028-02-29"),
        ("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", "1997-09-02", "1998-02-13 1998-03-13 1998-11-13"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997-09-29", "1997-09-29 1997-10-30 1997-11-27"),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28", "1997-09-28 1997-10-29 1997-11-28"),
        ("FREQ=MONTHLY;BYDAY=FR,-1MO;BYMONTH=3", "2026-03-01",
         "2026-03-06 2026-03-13 2026-03-20 2026-03-27 2026-03-30"),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH", "2020-01-01", "2020-12-31 2026-12-31 2032-12-30"),
        ("FREQ=MONTHLY", "2026-01-31", "2026-01-31 2026-03-31 2026-05-31"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO", "1997-08-05", "1997-08-05 1997-08-10 1997-08-19"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "1997-08-05", "1997-08-05 1997-08-17 1997-08-19"),
        ("FREQ=DAILY;INTERVAL=10", "1997-09-02", "1997-09-02 1997-09-12 1997-09-22"),
        ("FREQ=DAILY;BYMONTH=1", "1998-01-30", "1998-01-30 1998-01-31 1999-01-01"),
    ],
)  # fmt: skip
def test_a_rule_names_the_days_that_the_standard_says(text: str, start: str, days: str) -> None:
    assert named(text, len(days.split()), datetime.fromisoformat(start)) == days.split()


def test_times_of_a_day_are_named_each() -> None:
    found = rule("FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0,30").between(START, START.date(), START.date())
    assert [f"{each:%H:%M}" for each in found] == ["09:00", "09:30", "17:00", "17:30"]


WEEKDAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"]))
    parts: dict[str, Sequence[object]] = {
        "FREQ": [frequency],
        "INTERVAL": [draw(st.integers(1, 5))],
        "WKST": [draw(WEEKDAYS)],
    }

    def maybe(name: str, values: st.SearchStrategy[int] | st.SearchStrategy[str]) -> None:
        if draw(st.booleans()):
            parts[name] = draw(st.lists(values, min_size=1, max_size=3))

    maybe("BYMONTH", st.integers(1, 12))
    maybe("BYHOUR", st.sampled_from([0, 9, 17]))
    if frequency != "WEEKLY":
        maybe("BYMONTHDAY", st.sampled_from([1, 13, 28, 29, 30, 31, -1, -2, -31]))
        maybe("BYSETPOS", st.sampled_from([1, 2, -1, -2]))
    if frequency == "YEARLY":
        maybe("BYYEARDAY", st.sampled_from([1, 59, 60, 366, -1, -366, -306]))
        maybe("BYWEEKNO", st.sampled_from([1, 20, 40, -1, -20]))
    if frequency in ("YEARLY", "MONTHLY") and "BYWEEKNO" not in parts:
        # Of weekdays with and without a number the other implementation takes those that are both.
        numbered = st.tuples(st.sampled_from(["1", "-1", "5", "-5"]), WEEKDAYS).map(
            lambda drawn: f"{drawn[0]}{drawn[1]}"
        )
        maybe("BYDAY", draw(st.sampled_from([WEEKDAYS, numbered])))
    else:
        # A week without a day is all of it to one implementation, and one day of it to another.
        parts["BYDAY"] = draw(st.lists(WEEKDAYS, min_size=1, max_size=3))
    return ";".join(f"{name}={','.join(map(str, values))}" for name, values in parts.items())


@given(rules(), st.integers(0, 900), st.integers(-900, 300), st.integers(0, 800))
def test_another_implementation_agrees(text: str, begins: int, opens: int, length: int) -> None:
    start = datetime.fromisoformat("2020-01-01T08:30") + timedelta(days=begins)
    first = date(2023, 1, 1) + timedelta(days=opens)
    last = first + timedelta(days=length)
    ours = rule(text, start)
    # The other one looks for what comes next until time ends.
    assume(any(True for _ in ours.between(start, END.date() + timedelta(days=2), date(2035, 1, 1))))
    theirs = rrulestr(f"{text};UNTIL={END:%Y%m%dT%H%M%S}", dtstart=start)
    expected = theirs.between(datetime.combine(first, datetime.min.time()), END, inc=True)
    assert list(ours.between(start, first, last)) == [each for each in expected if each.date() <= last]


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30;BYDAY=MO",
    ],
)
def test_a_rule_that_never_names_anything_is_soon_done(text: str) -> None:
    assert named(text, 1) == []
    with pytest.raises(ValueError, match="counts for too long"):
        last_of(rule(text), START, 1, iter(range(100)))


def test_the_last_of_a_number_of_instances_is_found() -> None:
    every_day = rule("FREQ=DAILY")
    assert last_of(every_day, START, 400, iter(range(10))) == START + timedelta(days=399)


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=SECONDLY",
        "FREQ=HOURLY;INTERVAL=2",
        "INTERVAL=2",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=YEARLY;BYEASTER=0",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYMONTH=january",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=54MO",
        "FREQ=MONTHLY;BYDAY=X",
        "FREQ=DAILY;BYMINUTE=" + ",".join(map(str, range(60))),
    ],
)
def test_a_rule_that_is_none_or_names_too_much_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rule"):
        rule(text)
