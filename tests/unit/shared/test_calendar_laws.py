"""The laws of business time, over random calendars and zones with every kind of transition.

The oracle asks of each minute what its wall time is and whether that is open, word by word as the definition has
it; it shares nothing with the code but the calendar's fields.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.calendar import ALWAYS, WHOLE_DAY, Calendar, Hours, Span

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
ZERO = timedelta(0)

YEARS = {
    "Europe/Berlin": 2025,
    "America/New_York": 2025,
    "Asia/Kolkata": 2025,
    "Australia/Lord_Howe": 2025,  # half an hour
    "Pacific/Chatham": 2025,  # at a quarter to
    "Pacific/Apia": 2010,  # without a 30th of December in 2011
    "Africa/Casablanca": 2025,  # back in the month of fasting
    "America/Santiago": 2025,  # at midnight
    "UTC": 2025,
}
"""Zones, and the first of the three years in which they are looked at."""


@lru_cache
def transitions(zone: str) -> list[datetime]:
    """When a zone's offset changes in its years, to the hour."""
    hours = [datetime(YEARS[zone], 1, 1, tzinfo=UTC) + n * timedelta(hours=1) for n in range(3 * 8760)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [hour for hour, before, after in zip(hours[1:], offsets, offsets[1:], strict=False) if before != after]


@dataclass(frozen=True)
class Case:
    """A calendar, and three instants of its years in order; often near where its clocks change."""

    calendar: Calendar
    a: datetime
    b: datetime
    c: datetime


HOURS = st.integers(0, 1439).flatmap(
    lambda start: st.integers(start + 1, min(start + 1440, 2880)).map(lambda end: Hours(start, end))
)
SOME_HOURS = st.lists(HOURS, min_size=1, max_size=3).map(tuple)
DURATIONS = st.integers(0, 40 * 3_600_000_000).map(lambda n: n * MICROSECOND) | st.integers(0, 2400).map(
    lambda n: n * MINUTE
)


@st.composite
def cases(draw: st.DrawFn, *, step: timedelta = MICROSECOND, most: timedelta = timedelta(days=90)) -> Case:
    zone = draw(st.sampled_from(sorted(YEARS)))
    start = datetime(YEARS[zone], 1, 1, tzinfo=UTC)
    middle = draw(
        st.sampled_from(transitions(zone) or [start]) | st.integers(20, 1000).map(lambda days: start + days * DAY)
    )
    # Most of them within two days of it.
    offsets = st.integers(-2 * DAY // step, 2 * DAY // step) | st.integers(-most // step, most // step)
    a, b, c = sorted(middle + draw(offsets) * step for _ in range(3))
    near = st.integers(-4, 4).map(lambda days: middle.date() + timedelta(days=days))
    exceptions = st.dictionaries(near, SOME_HOURS, max_size=2)
    calendar = Calendar(
        time_zone=zone,
        weekly=draw(st.dictionaries(st.integers(0, 6), SOME_HOURS, min_size=1)),
        closed=draw(st.frozensets(near, max_size=2)),
        closures=draw(exceptions),
        openings=draw(exceptions),
    )
    spans = st.tuples(offsets, st.integers(1, 2 * DAY // step)).map(
        lambda drawn: (middle + drawn[0] * step, middle + (drawn[0] + drawn[1]) * step)
    )
    holidays = draw(st.lists(near | spans, max_size=3))
    if holidays:
        calendar = replace(calendar, holiday_set=repr(holidays), holidays=lambda _: holidays)
    return Case(calendar, a, b, c)


def is_open(calendar: Calendar, instant: datetime) -> bool:
    """The definition, word by word."""
    wall = instant.astimezone(ZoneInfo(calendar.time_zone)).replace(tzinfo=None)

    def covered(hours_of: Callable[[date], Sequence[Hours]]) -> bool:
        for day in (wall.date(), wall.date() - DAY):
            midnight = datetime.combine(day, datetime.min.time())
            for hours in hours_of(day):
                if midnight + hours.start * MINUTE <= wall < midnight + hours.end * MINUTE:
                    return True
        return False

    def is_holiday(closed: date | Span) -> bool:
        return closed[0] <= instant < closed[1] if isinstance(closed, tuple) else closed == wall.date()

    if covered(lambda day: calendar.openings.get(day, ())):
        return True
    if wall.date() in calendar.closed or covered(lambda day: calendar.closures.get(day, ())):
        return False
    if any(map(is_holiday, calendar.holidays(wall.year))):
        return False
    return covered(lambda day: calendar.weekly.get(day.weekday(), ()))


def test_the_zones_have_transitions_of_every_kind() -> None:
    assert {zone for zone in YEARS if len(transitions(zone)) < 5} == {"UTC", "Asia/Kolkata"}
    assert datetime(2011, 12, 30, 10, tzinfo=UTC) in transitions("Pacific/Apia")


@given(cases(), DURATIONS)
def test_1_so_much_time_has_elapsed_when_so_much_was_added(case: Case, d: timedelta) -> None:
    assert case.calendar.elapsed(case.a, case.calendar.add(case.a, d)) == d
    assert case.calendar.add(case.a, ZERO) == case.a


@given(cases())
def test_2_open_time_is_additive(case: Case) -> None:
    elapsed = case.calendar.elapsed
    assert elapsed(case.a, case.c) == elapsed(case.a, case.b) + elapsed(case.b, case.c)


@given(cases(), DURATIONS, DURATIONS)
def test_3_adding_twice_is_adding_the_sum(case: Case, x: timedelta, y: timedelta) -> None:
    add = case.calendar.add
    assert add(add(case.a, x), y) == add(case.a, x + y)


@given(cases(), DURATIONS, DURATIONS)
def test_4_a_due_time_never_decreases_with_its_start_and_grows_with_its_time(
    case: Case, d: timedelta, more: timedelta
) -> None:
    add = case.calendar.add
    assert add(case.a, d) <= add(case.b, d)
    assert add(case.a, d) < add(case.a, d + more + MICROSECOND)


@given(cases())
def test_5_what_elapsed_leads_back_to_the_end_iff_the_moment_before_was_open(case: Case) -> None:
    t, u = case.a, case.b
    back = case.calendar.add(t, case.calendar.elapsed(t, u))
    assert back <= u
    assert (back == u) == (u == t or is_open(case.calendar, u - MICROSECOND))


@given(cases())
def test_6_open_time_is_never_negative_and_never_more_than_the_time_of_utc(case: Case) -> None:
    assert ZERO <= case.calendar.elapsed(case.a, case.c) <= case.c - case.a


@given(cases(), DURATIONS)
def test_7_around_the_clock_all_time_is_open(case: Case, d: timedelta) -> None:
    # Once as it is seen at once, once counted: a closure long ago changes nothing.
    clock = replace(ALWAYS, time_zone=case.calendar.time_zone)
    for calendar in (clock, replace(clock, closed=frozenset({date(1999, 1, 1)}))):
        assert calendar.elapsed(case.a, case.b) == case.b - case.a
        assert calendar.add(case.a, d) == case.a + d
        assert calendar.standing(case.a) == (True, None)


@given(cases(), st.lists(st.integers(0, 90 * 86_400_000_000), max_size=5))
def test_8_running_pieces_add_up_and_pausing_for_no_time_changes_nothing(case: Case, cuts: list[int]) -> None:
    length = (case.c - case.a) // MICROSECOND
    at = [case.a, *sorted(case.a + min(cut, length) * MICROSECOND for cut in cuts), case.c]
    elapsed = case.calendar.elapsed
    pieces = [elapsed(start, end) for start, end in pairwise(at)]
    assert sum(pieces, ZERO) == elapsed(case.a, case.c)
    assert elapsed(case.b, case.b) == ZERO


@given(cases(), DURATIONS, st.integers(-3, 3), SOME_HOURS)
def test_9_more_open_time_never_delays_and_a_holiday_never_advances(
    case: Case, d: timedelta, days: int, hours: tuple[Hours, ...]
) -> None:
    calendar, day = case.calendar, case.a.date() + days * DAY
    openings = {**calendar.openings, day: (*calendar.openings.get(day, ()), *hours)}
    more = replace(calendar, openings=openings)
    less = replace(calendar, closed=calendar.closed | {day})
    assert more.add(case.a, d) <= calendar.add(case.a, d) <= less.add(case.a, d)
    assert more.elapsed(case.a, case.c) >= calendar.elapsed(case.a, case.c) >= less.elapsed(case.a, case.c)


@given(cases())
def test_10_order_and_cutting_hours_in_two_change_nothing(case: Case) -> None:
    def cut(hours: Hours) -> tuple[Hours, ...]:
        middle = (hours.start + hours.end) // 2
        if not hours.start < middle < min(hours.end, 1440):
            return (hours,)
        return Hours(middle, hours.end), Hours(hours.start, middle)

    def turned(exceptions: dict[date, Sequence[Hours]]) -> dict[date, Sequence[Hours]]:
        return {
            day: [part for each in reversed(on) for part in cut(each)]
            for day, on in reversed(list(exceptions.items()))
        }

    calendar = case.calendar
    same = replace(
        calendar,
        weekly={day: [part for each in reversed(on) for part in cut(each)] for day, on in calendar.weekly.items()},
        closures=turned(dict(calendar.closures)),
        openings=turned(dict(calendar.openings)),
        holidays=lambda year: list(calendar.holidays(year))[::-1],
    )
    assert same.elapsed(case.a, case.c) == calendar.elapsed(case.a, case.c)
    assert same.hours(case.a, case.c) == calendar.hours(case.a, case.c)


@settings(max_examples=40, deadline=None)
@given(cases(step=MINUTE, most=timedelta(days=3)))
def test_11_an_oracle_that_counts_minutes_one_by_one_agrees(case: Case) -> None:
    calendar = case.calendar
    minutes = (case.c - case.a) // MINUTE
    opened = [is_open(calendar, case.a + n * MINUTE) for n in range(minutes)]
    assert calendar.elapsed(case.a, case.c) == sum(opened) * MINUTE
    if any(opened):
        last = max(n for n, is_open_then in enumerate(opened) if is_open_then)
        assert calendar.add(case.a, sum(opened) * MINUTE) == case.a + (last + 1) * MINUTE


@given(cases())
def test_until_it_turns_it_stays_as_it_is_and_then_it_does(case: Case) -> None:
    calendar, t = case.calendar, case.a
    stands_open, turns_at = calendar.standing(t)
    assert stands_open is is_open(calendar, t)
    if turns_at is not None:
        assert calendar.elapsed(t, turns_at) == (turns_at - t if stands_open else ZERO)
        assert calendar.standing(turns_at)[0] is not stands_open


@given(cases())
def test_the_stretches_that_are_listed_are_all_the_open_time_and_do_not_touch(case: Case) -> None:
    stretches = case.calendar.hours(case.a, case.c)
    assert sum((end - start for start, end in stretches), ZERO) == case.calendar.elapsed(case.a, case.c)
    assert all(case.a <= start < end <= case.c for start, end in stretches)
    assert all(before[1] < after[0] for before, after in pairwise(stretches))


@given(cases(), DURATIONS)
def test_what_was_asked_about_before_makes_no_difference(case: Case, d: timedelta) -> None:
    fresh = replace(case.calendar)
    later, earlier = case.a + timedelta(days=500), case.a - timedelta(days=300)
    for instant in (later, earlier):
        case.calendar.elapsed(instant, instant + WHOLE_DAY.end * MINUTE)
    assert case.calendar.add(case.a, d) == fresh.add(case.a, d)
    assert case.calendar.elapsed(case.a, case.c) == replace(fresh).elapsed(case.a, case.c)
