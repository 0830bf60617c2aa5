"""Offers over HTTP: several at once, and work that agents take themselves."""

import asyncio
from typing import Any

from shared.events.escalations import RaisePriority
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


async def test_who_has_seen_an_older_version_of_work_moves_nothing(floor: Floor) -> None:
    await floor.set_state("ann")
    ticket_id = await floor.open_ticket("t")
    assert (await floor.http.get(f"/v1/work/{floor.ticket_id('unknown')}")).status_code == 404
    accepted = await floor.accept("ann", "t")
    url = f"/v1/work/{ticket_id}"
    read = await floor.http.get(url)
    seen = {"If-Match": read.headers["etag"]}
    assert (read.json(), read.headers["etag"]) == (accepted, f'"{accepted["version"]}"')
    given = await floor.http.post(f"{url}/assign", json={"agent_id": "ann"}, headers=seen)
    assert (given.status_code, given.headers["etag"]) == (200, seen["If-Match"])
    back = await floor.http.post(f"{url}/release", json={"reason": "not mine"}, headers=seen)
    assert (back.status_code, back.json()["state"]) == (200, "queued")
    late = await floor.http.post(f"{url}/assign", json={"agent_id": "ann"}, headers=seen)
    assert late.status_code == 412
    now = {"If-Match": back.headers["etag"]}
    assert (await floor.http.post(f"{url}/assign", json={"agent_id": "ann"}, headers=now)).status_code == 200


async def test_who_has_seen_an_older_version_of_what_is_offered_neither_takes_nor_refuses_it(floor: Floor) -> None:
    await floor.set_state("ann")
    await floor.open_ticket("t")
    listed = await floor.offered("ann", "t")
    url = f"/v1/offers/{listed['offer_id']}"
    read = await floor.http.get(url)
    seen = {"If-Match": read.headers["etag"]}
    assert (read.status_code, read.json(), seen["If-Match"]) == (200, listed, f'"{listed["version"]}"')
    await floor.escalate("t", action=RaisePriority())

    async def raised() -> bool:
        return bool((await floor.http.get(url)).json()["priority"] == "high")

    await eventually(raised)
    for action, body in (("accept", None), ("decline", {"reason": "busy"})):
        stale = await floor.http.post(f"{url}/{action}", json=body, headers=seen)
        assert (stale.status_code, stale.json()["type"].rsplit("/")[-1]) == (412, "precondition-failed")
    now = {"If-Match": (await floor.http.get(url)).headers["etag"]}
    taken = await floor.http.post(f"{url}/accept", headers=now)
    assert (taken.status_code, taken.headers["etag"]) == (200, f'"{taken.json()["version"]}"')
    assert (await floor.http.post(f"{url}/accept", headers=seen)).status_code == 200
    over = await floor.http.get(url)
    assert (over.json()["state"], over.headers["etag"]) == ("accepted", taken.headers["etag"])
    ann = await floor.system.http("router", floor.workspace_id, "agents:self", subject="ann")
    bob = await floor.system.http("router", floor.workspace_id, "agents:self", subject="bob")
    assert (await ann.get(url)).status_code == 200
    assert (await bob.get(url)).status_code == 404
    assert (await floor.http.get(f"/v1/offers/{floor.ticket_id('t')}")).status_code == 404


async def test_a_supervisor_gives_more_than_fits_and_the_answer_says_so(floor: Floor) -> None:
    small = {**CONFIGURATION, "agents": [{"id": "ann", "queues": ["general"], "capacity": 20}]}
    small["queues"] = [{"id": "general"}, {"id": "default"}]
    small["policy"] = {"default": {"queue": "general"}}
    answer = await floor.http.put("/v1/configuration", json=small, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    await floor.set_state("ann")
    await floor.open_ticket("first")
    await floor.accept("ann", "first")
    more = await floor.open_ticket("more")

    async def known() -> bool:
        return (await floor.http.get(f"/v1/work/{more}")).status_code == 200

    await eventually(known)
    given = await floor.http.post(f"/v1/work/{more}/assign", json={"agent_id": "ann"})
    assert given.json()["over_capacity"] is True
    assert [work["over_capacity"] for work in await floor.work("ann")] == [False, True]
