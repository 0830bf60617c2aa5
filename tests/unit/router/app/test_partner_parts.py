"""Partners as they are written: what is refused, in the words of a review, and what the engine is given."""

from datetime import timedelta
from typing import Any

import pytest

from services.router.app.configuration import RouterPart, check, to_configuration
from services.router.domain.partner import Partner
from shared.errors import InvalidInput
from shared.vocabulary import ChannelKind

SECRET = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"


def a_part(*, agents: list[Any] | None = None, **partner: object) -> RouterPart:
    """A house with queue `general`, and the partner of queue `field`."""
    plain = {"url": "https://vendor.example/orders", "secret": SECRET, "fallback": "general"}
    return RouterPart.model_validate(
        {
            "queues": [{"id": "general"}, {"id": "field", "partner": {**plain, **partner}}],
            "agents": agents or [{"id": "ann", "queues": ["general"]}],
            "policy": {"default": {"queue": "field"}},
        }
    )


def problems(part: RouterPart) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        check(part)
    return list(refused.value.problems)


def test_a_partner_is_an_agent_of_its_queue_alone() -> None:
    decides = to_configuration(1, a_part(answer_within="45m", done_within="2d", at_most=3))
    profile = decides.agents["partner:field"]
    assert profile.queues == {"field"}
    assert {profile.limits[kind].most for kind in ChannelKind} == {3}
    assert profile.capacity == 3
    assert profile.partner == Partner(
        queue="field",
        fallback="general",
        done_within=timedelta(days=2),
        url="https://vendor.example/orders",
        secret=SECRET,
    )
    assert decides.queue("field").offer_timeout == timedelta(minutes=45)
    assert SECRET not in repr(decides)


@pytest.mark.parametrize(
    ("partner", "pointer", "words"),
    [
        ({"fallback": "nowhere"}, "fallback", "there is no queue nowhere"),
        ({"fallback": "field"}, "fallback", "is the partner's own queue: name one that the house serves"),
        ({"secret": "hunter2!"}, "secret", "write whsec_ and a key in base64"),
        ({"secret": "whsec_c2VjcmV0"}, "secret", "write whsec_ and a key in base64"),
        ({"answer_within": "5s"}, "answer_within", "between 10s and 7d"),
        ({"answer_within": "8d"}, "answer_within", "between 10s and 7d"),
        ({"done_within": "30s"}, "done_within", "between 1m and 90d"),
    ],
)
def test_a_partner_that_cannot_be_is_refused_with_what_to_do(
    partner: dict[str, Any], pointer: str, words: str
) -> None:
    ((place, said),) = problems(a_part(**partner))
    assert place == f"/queues/1/partner/{pointer}"
    assert words in said


def test_partners_do_not_fall_back_to_each_other() -> None:
    part = a_part()
    other = part.queues[1].model_copy(update={"id": "other"})
    assert other.partner is not None
    looped = other.model_copy(update={"partner": other.partner.model_copy(update={"fallback": "field"})})
    said = problems(part.model_copy(update={"queues": (*part.queues, looped)}))
    assert said == [("/queues/2/partner/fallback", "stands for a partner too: name one that the house serves")]


def test_nobody_of_the_house_serves_a_partners_queue() -> None:
    said = problems(a_part(agents=[{"id": "ann", "queues": ["general", "field"]}]))
    assert said == [("/agents/0/queues", "field stands for a partner: nobody of the house serves it")]


def test_how_agents_are_asked_is_not_said_of_a_partner() -> None:
    part = a_part()
    asked = part.queues[1].model_copy(update={"offer_timeout": timedelta(minutes=5)})
    ((place, said),) = problems(part.model_copy(update={"queues": (part.queues[0], asked)}))
    assert place == "/queues/1/offer_timeout"
    assert "partner.answer_within" in said


def test_work_that_would_fall_back_to_nobody_is_warned_of() -> None:
    assert check(a_part()) == []
    falls_back = "/queues/1: nobody serves general, to which work of queue field falls back"
    assert falls_back in check(a_part(agents=[{"id": "ann", "queues": []}]))


def test_only_queues_of_the_house_stand_in_and_help_out() -> None:
    part = a_part().model_dump(mode="json")
    part["queues"][1]["partner"]["secret"] = SECRET
    part["queues"][0] |= {"hours": {"weekly": {"mon": ["09:00-17:00"]}}, "closed_to": "field"}
    part["queues"][0]["overflow"] = {"after": "10m", "to": "field"}
    part["policy"]["default"] = {"queue": "general", "steps": [{"after": "5m", "also": ["field"]}]}
    refused = dict(problems(RouterPart.model_validate(part)))
    assert sorted(refused) == ["/policy/default/steps/0/also", "/queues/0/closed_to", "/queues/0/overflow/to"]
    assert all(words.startswith("field stands for a partner") for words in refused.values())
