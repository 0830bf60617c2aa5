"""Chains of escalation policies, as the escalation service runs them and the router acts upon them."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from deploy.local.stack import Stack
from shared.kafka.client import Producer
from tests.eventually import eventually
from tests.integration.router.floor import CONFIGURATION, Floor, words
from tests.system import Templates, start

PREFIX = "chains"
WIDER = [{"after": "1h", "lower": {"german": 1}}, {"after": "2h", "drop": ["german"]}]
CHAIN = {
    "id": "late",
    "steps": [{"requeue": {"widen": True}}, {"wait": "5m"}, {"requeue": {"agent": "ann"}}],
}


async def configured(http: httpx.AsyncClient, part: dict[str, Any]) -> None:
    answer = await http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


async def test_a_chain_widens_who_is_asked_and_then_hands_over(
    stack: Stack, templates: Templates, tmp_path: Path, producers: Callable[[str], Producer]
) -> None:
    names = ("router", "escalation")
    async with start(stack, names, prefix=PREFIX, templates=templates, folder=tmp_path) as both:
        producer = producers(PREFIX)
        floor = await Floor.open(both, producer, "acme")
        general, german = CONFIGURATION["policy"]["rules"]
        policy = {**CONFIGURATION["policy"], "rules": [general, {**german, "steps": WIDER}]}
        await configured(floor.http, {**CONFIGURATION, "policy": policy})
        escalation = await both.http("escalation", "acme")
        await configured(escalation, {"escalation_policies": [CHAIN]})
        await floor.set_state("bob")
        ticket_id = await floor.open_ticket("t", language="de")

        async def raised() -> bool:
            asked = {"reason": "Nobody is there who speaks German."}
            answer = await escalation.post(f"/v1/tickets/{ticket_id}/escalations", json=asked)
            return answer.status_code == 201

        await eventually(raised, what="escalation by hand")
        await floor.accept("bob", "t")
        await floor.set_state("ann")
        await both.travel(timedelta(minutes=5))
        await floor.offered("ann", "t")
        assert await floor.work("bob") == []
        said = " ".join(words(await floor.decisions("t")))
        assert said.index("Step 2 opens at once (escalation ") < said.index("ann")
