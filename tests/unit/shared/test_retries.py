"""Pauses that grow, scatter, and do as they are asked."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from statistics import mean
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.retries import (
    LONGEST_PAUSE,
    LONGEST_WISH,
    jitter,
    longest_pause,
    pause,
    retry_after,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_pauses_double_up_to_an_hour() -> None:
    seconds = [longest_pause(attempt).total_seconds() for attempt in range(1, 14)]
    assert seconds == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]
    assert longest_pause(10_000) == LONGEST_PAUSE
    assert longest_pause(10_000, timedelta(minutes=5)) == timedelta(minutes=5)


def test_jitter_is_full_and_the_same_for_the_same_attempt() -> None:
    drawn = [jitter(UUID(int=number), 3) for number in range(2000)]
    assert 0 <= min(drawn) < 0.01
    assert 0.99 < max(drawn) < 1
    assert 0.47 < mean(drawn) < 0.53
    assert jitter(UUID(int=1), 3) == drawn[1]
    assert jitter(UUID(int=1), 4) != drawn[1]


@given(st.integers(0, 2**16), st.integers(1, 50), st.one_of(st.none(), st.integers(-5, 10_000)))
def test_nobody_comes_before_the_time_that_was_asked_for(number: int, attempt: int, seconds: int | None) -> None:
    wish = None if seconds is None else timedelta(seconds=seconds)
    waited = pause(UUID(int=number), attempt, wish)
    least = max(wish or timedelta(), timedelta())
    assert least <= waited <= least + longest_pause(attempt)


@pytest.mark.parametrize(
    ("header", "wish"),
    [
        (None, None),
        ("120", timedelta(seconds=120)),
        ("0", timedelta()),
        ("99999999", LONGEST_WISH),
        ("9" * 99, LONGEST_WISH),
        ("9" * 5000, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("", None),
        (format_datetime(NOW + timedelta(minutes=3), usegmt=True), timedelta(minutes=3)),
        (format_datetime(NOW - timedelta(minutes=3), usegmt=True), timedelta()),
        ("Mon, 02 Mar 2026 09:01:00 -0000", timedelta(minutes=1)),
        ("Mon, 02 Mar 99999 09:01:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
        (f"Mon, {'9' * 20} Jan 2024 00:00:00 GMT", None),
        (f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT", None),
    ],
)
def test_a_wish_is_read_in_both_its_forms(header: str | None, wish: timedelta | None) -> None:
    assert retry_after(header, NOW) == wish


_NUMBERS = st.one_of(
    st.integers(0, 99).map(lambda number: f"{number:02}"),
    st.integers(-(10**25), 10**25).map(str),
    st.text("0123456789+-:. ", max_size=8),
)
_LIKE_DATES = st.builds(
    "{}{} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon, ", "Monday, ", ""]),
    _NUMBERS,
    st.sampled_from(["Jan", "feb", "March", "13", ""]),
    st.one_of(st.integers(0, 10_000).map(str), _NUMBERS),
    _NUMBERS,
    _NUMBERS,
    _NUMBERS,
    st.one_of(st.sampled_from(["GMT", "-0000", "+2359", "+2400", "EST", "XYZ"]), _NUMBERS),
)


@given(st.one_of(st.text(max_size=60), _LIKE_DATES))
@example("0\x1f")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
def test_no_header_breaks_the_reader(header: str) -> None:
    wish = retry_after(header, NOW)
    assert wish is None or timedelta() <= wish <= LONGEST_WISH
