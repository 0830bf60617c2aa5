"""What requests may say of times."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.escalation.api.chain_preview import ChainPreviewRequest
from services.escalation.api.on_call import span
from services.escalation.api.schemas import SnoozeRequest
from services.escalation.domain.duty import EARLIEST, LATEST
from shared.errors import InvalidInput

FAR = ("9999-12-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z")


@pytest.mark.parametrize("at", FAR)
def test_a_chain_is_foreseen_for_the_nearest_moment_that_calendars_know(at: str) -> None:
    asked = ChainPreviewRequest.model_validate({"policy_id": "chain", "at": at})
    assert asked.at == (EARLIEST if at.startswith("0001") else LATEST)


@pytest.mark.parametrize("start", FAR)
def test_shifts_are_not_listed_where_calendars_end(start: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        span(datetime.fromisoformat(start), None)
    assert [name for name, _ in refused.value.problems] == ["from"]


def test_shifts_are_those_of_60_days_where_no_end_is_named() -> None:
    start = datetime(2026, 6, 1, tzinfo=UTC)
    assert span(start, None) == (start, start + timedelta(days=60))


@pytest.mark.parametrize("until", [1_800_000_000, "1800000000", "2026-06-01T12:00:00"])
def test_a_snooze_ends_at_a_moment_that_is_written_out(until: Any) -> None:
    with pytest.raises(ValidationError):
        SnoozeRequest.model_validate({"until": until})
