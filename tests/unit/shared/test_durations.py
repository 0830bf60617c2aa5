"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("15m", 900), ("4h", 14_400), ("2d", 172_800), ("1h30m", 5400), ("0s", 0)],
)
def test_they_are_read(written: str, seconds: int) -> None:
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize("written", ["", "4", "h", "4 h", "-4h", "4h4h", "1m1h", "1.5h", "PT4H", 240, None])
def test_anything_else_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="write a duration"):
        parse_duration(written)


@given(st.integers(0, 800_000_000))
def test_what_is_written_is_read_back(seconds: int) -> None:
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)
