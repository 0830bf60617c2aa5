"""Queues as they are written in a configuration."""

import pytest

from services.router.app.configuration import RouterPart, check, to_configuration
from shared.errors import InvalidInput
from shared.vocabulary import ChannelKind


@pytest.mark.parametrize(
    ("wrap_up", "voice", "mail"),
    [("30s", 30, 30), ({"voice": "1m"}, 60, 0), ({"voice": "1m", "email": "5s"}, 60, 5)],
)
def test_wrap_up_is_one_for_all_or_by_kind_of_channel(wrap_up: object, voice: int, mail: int) -> None:
    part = RouterPart.model_validate({"queues": [{"id": "default", "wrap_up": wrap_up}]})
    queue = to_configuration(1, RouterPart.model_validate(part.model_dump(mode="json"))).queues["default"]
    found = [queue.wrap_up_for(kind).total_seconds() for kind in (ChannelKind.VOICE, ChannelKind.EMAIL)]
    assert found == [voice, mail]


@pytest.mark.parametrize("wrap_up", ["2d", {"chat": "25h"}])
def test_nobody_wraps_up_for_more_than_a_day(wrap_up: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(RouterPart.model_validate({"queues": [{"id": "default", "wrap_up": wrap_up}]}))
    assert refused.value.problems == (("/queues/0/wrap_up", "at most 1d"),)


def test_times_that_nobody_can_mean_are_refused() -> None:
    part = {
        "queues": [{"id": "default", "return_after": "31d"}],
        "policy": {"default": {"steps": [{"after": "30d", "raise_by": 1}, {"after": "367d", "raise_by": 1}]}},
    }
    with pytest.raises(InvalidInput) as refused:
        check(RouterPart.model_validate(part))
    assert refused.value.problems == (
        ("/queues/0/return_after", "at most 30d"),
        ("/policy/default/steps/1/after", "366 days at most"),
    )
