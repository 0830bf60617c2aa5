"""Whatever an attempt raises is that attempt's failure, but for what is not about it."""

import asyncio

import pytest
from structlog.testing import capture_logs

from shared.attempts import attempted
from shared.egress import EgressRefused
from shared.errors import FatalError, ProviderUnavailable, StaleEpoch, Unavailable


async def _sent() -> str:
    return "sent"


async def _raises(error: BaseException) -> str:
    raise error


async def test_an_attempt_that_comes_to_something_is_left_alone() -> None:
    assert await attempted(_sent(), str.upper, way="test") == "sent"


@pytest.mark.parametrize(
    "error", [ProviderUnavailable("it is out"), Unavailable("it is out"), EgressRefused("it is out")]
)
async def test_what_was_to_be_expected_is_the_reason_and_no_line_in_the_log(error: Exception) -> None:
    with capture_logs() as lines:
        assert await attempted(_raises(error), str.upper, way="test") == "IT IS OUT"
    assert lines == []


@pytest.mark.parametrize("error", [OverflowError("their words"), RuntimeError(), AssertionError(), KeyError("x")])
async def test_what_nobody_thought_of_is_logged_and_counts_as_failed(error: Exception) -> None:
    with capture_logs() as lines:
        told = await attempted(_raises(error), str, way="test")
    assert told == f"the attempt broke off: {type(error).__name__}"
    assert [(line["event"], line["way"]) for line in lines] == [("attempt.broke_off", "test")]


@pytest.mark.parametrize("error", [StaleEpoch(), FatalError(), asyncio.CancelledError()])
async def test_what_is_not_about_the_attempt_is_raised(error: BaseException) -> None:
    with pytest.raises(type(error)):
        await attempted(_raises(error), str, way="test")
