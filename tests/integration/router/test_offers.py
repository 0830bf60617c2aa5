"""Offers over HTTP: several at once, and work that agents take themselves."""

import asyncio
from typing import Any

from tests.eventually import eventually
from tests.integration.router.floor import CONFIGURATION, Floor


async def configure(floor: Floor, **queue: Any) -> None:
    """The floor's configuration with another queue `general`."""
    general = {"id": "general", "offer_timeout": "60s", **queue}
    changed = {**CONFIGURATION, "queues": [general, CONFIGURATION["queues"][1]]}
    answer = await floor.http.put("/v1/configuration", json=changed, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


async def test_of_those_who_are_asked_at_once_the_first_has_it_and_the_rest_conflict(floor: Floor) -> None:
    await configure(floor, asked_at_once=2)
    await floor.set_state("ann")
    await floor.set_state("bob")
    await floor.open_ticket("t")
    offers = [await floor.offered(agent_id, "t") for agent_id in ("ann", "bob")]
    answers = await asyncio.gather(
        *(floor.http.post(f"/v1/offers/{offer['offer_id']}/accept") for offer in offers)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len([*await floor.work("ann"), *await floor.work("bob")]) == 1
    assert [*await floor.offers("ann"), *await floor.offers("bob")] == []
    for agent_id in ("ann", "bob"):
        held = (await floor.http.get(f"/v1/agents/{agent_id}")).json()["load"]
        assert held == 20 * len(await floor.work(agent_id))


async def test_an_agent_takes_what_is_next_once_for_each_key(floor: Floor) -> None:
    await configure(floor, offer_mode="pull")
    await floor.open_ticket("first")
    await floor.open_ticket("second")

    async def both_wait() -> bool:
        return bool((await floor.http.get("/v1/queues/general")).json()["waiting"] == 2)

    await eventually(both_wait)
    ann = await floor.system.http("router", floor.workspace_id, "agents:self", subject="ann")
    bob = await floor.system.http("router", floor.workspace_id, "agents:self", subject="bob")
    assert (await ann.post("/v1/agents/ann/next")).status_code == 409
    await floor.set_state("ann")
    assert await floor.offers("ann") == []
    key = {"Idempotency-Key": "one"}
    taken = [await ann.post("/v1/agents/ann/next", headers=key) for _ in range(2)]
    assert [answer.status_code for answer in taken] == [200, 200]
    assert taken[0].json() == taken[1].json()
    assert taken[0].json()["ticket_id"] == str(floor.ticket_id("first"))
    other = await ann.post("/v1/agents/ann/next")
    assert (other.json()["ticket_id"], other.json()["agent_id"]) == (str(floor.ticket_id("second")), "ann")
    nothing = await ann.post("/v1/agents/ann/next")
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert (await bob.post("/v1/agents/ann/next")).status_code == 403
