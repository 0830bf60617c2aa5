"""Who is asked, over HTTP: what is preferred, scores, ranks of agents, helpers, reserves."""

from typing import Any

from tests.eventually import eventually
from tests.integration.router.floor import Floor, words

CONFIGURATION: dict[str, Any] = {
    "skills": ["billing", "french"],
    "limits": {"email": {"cost": 20, "most": 5, "interruptible": True}},
    "queues": [
        {"id": "general", "ranking": "score", "score": "agent.skills.billing * 10 - agent.load"},
        {"id": "vip", "reserve": 1},
    ],
    "agents": [
        {"id": "ann", "queues": ["general"], "skills": {"billing": 3, "french": 2}},
        {"id": "bob", "queues": ["general"], "skills": {"billing": 4}},
        {"id": "new", "queues": ["general"], "ranks": {"general": 60}},
        {"id": "vic", "queues": ["vip"]},
        {"id": "via", "queues": ["vip"], "ranks": {"vip": 1}},
    ],
    "policy": {
        "rules": [
            {
                "id": "french",
                "when": 'ticket.language == "fr"',
                "queue": "general",
                "preferred": {"french": 2},
                "steps": [{"after": "1s", "also": ["vip"]}],
            },
            {"id": "vip", "when": 'ticket.language == "de"', "queue": "vip"},
        ],
        "default": {"queue": "general"},
    },
}


async def configure(floor: Floor, **parts: Any) -> Any:
    return await floor.http.put("/v1/configuration", json={**CONFIGURATION, **parts}, headers={"If-Match": "*"})


async def explained(floor: Floor, name: str) -> str:
    return words(await floor.decisions(name))[-1]


async def test_what_is_preferred_beats_the_score_and_a_rank_of_ones_own_beats_both(floor: Floor) -> None:
    assert (await configure(floor)).status_code == 200
    for agent_id in ("ann", "bob", "new"):
        await floor.set_state(agent_id)
    await floor.open_ticket("plain")
    await floor.offered("bob", "plain")
    assert "first of 3 who could be asked by score; next would have been ann, new" in await explained(
        floor, "plain"
    )
    assert "no score for new (reads a field that is not there)" in await explained(floor, "plain")
    await floor.open_ticket("french", language="fr")
    await floor.offered("ann", "french")
    assert "with 1 of 1 preferred skill; next would have been bob" in await explained(floor, "french")


async def test_agents_of_another_queue_help_out_but_for_those_it_keeps(floor: Floor) -> None:
    assert (await configure(floor)).status_code == 200
    await floor.set_state("vic")
    await floor.open_ticket("french", language="fr")

    async def helps() -> bool:
        answer = await floor.http.get(f"/v1/tickets/{floor.ticket_id('french')}/decisions")
        return "with help of vip" in answer.text

    await eventually(helps, what="vip helps")
    assert await floor.offers("vic") == []
    await floor.set_state("via")
    await floor.offered("vic", "french")
    await floor.open_ticket("vip", language="de")
    await floor.offered("via", "vip")


async def test_what_cannot_rank_agents_is_refused_with_its_place(floor: Floor) -> None:
    queues = [{"id": "general", "ranking": "score", "score": "agent.mood"}, {"id": "vip"}]
    refused = await configure(floor, queues=queues)
    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/queues/0/score"]
    assert "agent has no field 'mood'" in refused.text
