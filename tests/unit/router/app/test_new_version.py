"""What the engine is given where a part is to hold."""

from dataclasses import replace
from typing import Any

import pytest

from services.router.app.configuration import RouterPart, to_configuration
from services.router.app.new_version import new_version
from services.router.app.replay import blank
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from shared.errors import InvalidInput

HOUSE: dict[str, Any] = {
    "time_zone": "Europe/Berlin",
    "calendars": [{"id": "early", "time_zone": "UTC", "weekly": {"mon": ["06:00-14:00"]}}],
    "skills": ["german"],
    "limits": {"email": {"cost": 10, "most": 3}},
    "queues": [
        {"id": "default"},
        {
            "id": "vendor",
            "partner": {
                "url": "https://vendor.example/",
                "secret": "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0",
                "answer_within": "30s",
                "done_within": "1m",
                "fallback": "default",
            },
        },
    ],
    "agents": [{"id": "ann"}, {"id": "bob", "shifts": "early"}, {"id": "cid"}],
}
BOB: dict[str, Any] = {"id": "bob"}


def part(*agents: dict[str, Any], **others: object) -> RouterPart:
    return RouterPart.model_validate({**HOUSE, **({"agents": agents} if agents else {}), **others})


def at(version: int, written: RouterPart) -> RoutingState:
    state = blank("acme")
    state.adopt(to_configuration(version, written))
    return state


@pytest.mark.parametrize(
    "bob",
    [
        {"skills": {"german": 3}, "support_tier": 2, "capacity": 7},
        {"shifts": "early", "time_off": [{"start": "2026-03-02", "end": "2026-03-03"}]},
        {"shifts": {"tue": ["09:00-17:00"]}, "time_zone": "Asia/Tokyo"},
        {"limits": {"chat": {"cost": 1, "most": 9}}},
    ],
)
def test_an_agent_who_changes_is_all_that_is_given_and_comes_to_the_same(bob: dict[str, Any]) -> None:
    after = part(HOUSE["agents"][0], BOB | bob, {"id": "eve"})
    current = new_version(4, part(), after).input(at(4, part()))
    assert isinstance(current, inputs.ConfigureAgents)
    assert [agent.id for agent in current.changed] == ["bob", "eve"]
    assert current.removed == ("cid",)
    assert current.after(to_configuration(4, part())) == to_configuration(5, after)


def test_where_more_than_agents_differ_the_whole_is_given() -> None:
    after = part(*HOUSE["agents"][:2], teams=["night"])
    current = new_version(4, part(), after).input(at(4, part()))
    assert current == inputs.Configure(configuration=to_configuration(5, after))


def test_where_the_part_was_written_for_another_version_the_whole_is_given() -> None:
    after = part(*HOUSE["agents"][:2])
    current = new_version(4, part(), after).input(at(6, part(teams=["night"])))
    assert current == inputs.Configure(configuration=to_configuration(7, after))


def test_where_one_agent_more_has_many_matched_together_the_whole_is_given() -> None:
    fewer, more = part(*HOUSE["agents"][:2], matching={"at_least": 3}), part(matching={"at_least": 3})
    for before, after in ((fewer, more), (more, fewer)):
        assert isinstance(new_version(4, before, after).input(at(4, before)), inputs.Configure)
    other = part(*HOUSE["agents"][:2], {"id": "dot"}, {"id": "eve"}, matching={"at_least": 3})
    assert isinstance(new_version(4, more, other).input(at(4, more)), inputs.ConfigureAgents)


def test_a_part_that_breaks_rules_is_refused_whatever_differs() -> None:
    with pytest.raises(InvalidInput) as refused:
        new_version(4, part(), part(*HOUSE["agents"], {"id": "eve", "queues": ["nowhere"]}))
    assert [pointer for pointer, _ in refused.value.problems] == ["/agents/3/queues"]


def test_the_configuration_of_the_engine_before_is_left_as_it_was() -> None:
    before = to_configuration(4, part())
    copy = replace(before, agents=dict(before.agents))
    current = new_version(4, part(), part({"id": "bob"})).input(at(4, part()))
    current.after(before)
    assert before == copy
