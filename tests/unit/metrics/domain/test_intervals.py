"""Local hours and days are made of whole base intervals, whatever the clocks do."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.fact import bucket_of
from services.metrics.domain.intervals import Interval, Span, day_start, spans

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Atlantic/Azores",
)


def hours_of(zone: str, day_of: str) -> float:
    at = datetime.fromisoformat(f"{day_of}T12:00").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    (day,) = spans(Span(at, at + timedelta(seconds=1)), Interval.DAY, ZoneInfo(zone))
    return (day.end - day.start) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-28", 24),
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("Africa/Cairo", "2026-04-24", 23),
        ("America/Havana", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Asia/Kolkata", "2026-11-20", 24),
    ],
)
def test_local_days(zone: str, day: str, hours: float) -> None:
    assert hours_of(zone, day) == hours


def test_a_day_that_a_zone_leaves_out_is_no_interval() -> None:
    zone = ZoneInfo("Pacific/Apia")
    asked = Span(datetime(2011, 12, 29, 12, tzinfo=UTC), datetime(2012, 1, 1, 12, tzinfo=UTC))
    days = [span.start.astimezone(zone).day for span in spans(asked, Interval.DAY, zone)]
    assert days == [29, 31, 1, 2]


def test_days_of_a_year_are_as_many_as_the_calendar_has() -> None:
    zone = ZoneInfo("Europe/Berlin")
    start, end = (datetime(year, 1, 1, tzinfo=zone).astimezone(UTC) for year in (2026, 2027))
    days = list(spans(Span(start, end), Interval.DAY, zone))
    assert len(days) == 365
    assert (days[0].start, days[-1].end) == (start, end)


@given(
    st.timedeltas(timedelta(), timedelta(days=7300)),
    st.timedeltas(timedelta(seconds=1), timedelta(days=5)),
    st.sampled_from(list(Interval)),
    st.sampled_from(ZONES),
)
def test_intervals_cover_the_span_without_gaps_in_whole_buckets(
    after: timedelta, length: timedelta, interval: Interval, name: str
) -> None:
    zone = ZoneInfo(name)
    start = datetime(2010, 1, 1, tzinfo=UTC) + after
    asked = Span(start, start + length)
    found = list(spans(asked, interval, zone))
    assert found[0].start <= asked.start < found[0].end
    assert found[-1].start < asked.end <= found[-1].end
    assert all(one.end == other.start for one, other in pairwise(found))
    assert all(bucket_of(span.start) == span.start < span.end for span in found)
    if interval is Interval.DAY:
        assert all(day_start(span.end - timedelta(microseconds=1), zone) == span.start for span in found)
