"""A ticket's way to an agent, over the router's real interfaces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from shared.db.unit_of_work import Tx
from shared.vocabulary import TicketStatus
from tests.eventually import eventually
from tests.integration.router.floor import Floor, words


async def test_a_ticket_is_offered_accepted_and_completed(floor: Floor) -> None:
    await floor.set_state("ann")
    await floor.open_ticket("t")
    offer = await floor.offered("ann", "t")
    assert (offer["queue"], offer["support_tier"], offer["state"]) == ("general", 1, "pending")
    work = await floor.accept("ann", "t")
    assert (work["state"], work["agent_id"]) == ("assigned", "ann")
    assert [item["ticket_id"] for item in await floor.work("ann")] == [str(floor.ticket_id("t"))]
    await floor.set_status("t", TicketStatus.OPEN, TicketStatus.SOLVED)
    await eventually(lambda: _is_idle(floor, "ann"))


async def test_skills_and_labels_bring_it_to_who_fits(floor: Floor) -> None:
    for agent_id in ("ann", "bob", "eve"):
        await floor.set_state(agent_id)
    await floor.open_ticket("deutsch", language="de")
    await floor.offered("ann", "deutsch")
    await floor.open_ticket("rechnung", labels={"product": "bill"})
    offer = await floor.offered("bob", "rechnung")
    assert offer["queue"] == "billing"


async def test_an_accept_is_idempotent_and_a_late_one_is_a_conflict(floor: Floor) -> None:
    await floor.set_state("ann")
    await floor.open_ticket("t")
    offer = await floor.offered("ann", "t")
    first = await floor.http.post(f"/v1/offers/{offer['offer_id']}/accept")
    again = await floor.http.post(f"/v1/offers/{offer['offer_id']}/accept")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    await floor.set_status("t", TicketStatus.OPEN, TicketStatus.SOLVED)
    await eventually(lambda: _is_idle(floor, "ann"))
    late = await floor.http.post(f"/v1/offers/{offer['offer_id']}/accept")
    assert late.status_code == 409
    assert late.json()["type"].endswith("/offer-not-pending")


async def test_one_key_sent_several_times_at_once_is_answered_once_and_disturbs_nobody(floor: Floor) -> None:
    await floor.set_state("ann")
    await floor.open_ticket("t")
    offer = await floor.offered("ann", "t")
    url, key = f"/v1/offers/{offer['offer_id']}/accept", {"Idempotency-Key": "one"}
    async with held(floor, "bob"):
        blocking = asyncio.create_task(floor.http.put("/v1/agents/bob/state", json={"state": "available"}))
        await asyncio.sleep(0.2)  # behind it the others line up, to be decided in one commit
        sent = [asyncio.create_task(floor.http.post(url, headers=key)) for _ in range(5)]
        other = asyncio.create_task(floor.http.put("/v1/agents/eve/state", json={"state": "available"}))
        await asyncio.sleep(0.2)
    answers = await asyncio.gather(*sent)
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.content for answer in answers}) == 1
    assert (await blocking).status_code == (await other).status_code == 200


@asynccontextmanager
async def held(floor: Floor, agent_id: str) -> AsyncIterator[None]:
    """Keeps the engine of this workspace's shard at a commit that writes this agent's row."""
    has_locked, release = asyncio.Event(), asyncio.Event()
    lock = text("SELECT 1 FROM agent WHERE workspace_id = :ws AND agent_id = :agent FOR UPDATE")

    async def hold(tx: Tx) -> None:
        (await tx.execute(lock, {"ws": floor.workspace_id, "agent": agent_id})).one()
        has_locked.set()
        await release.wait()

    database = floor.system.services["router"].runtime.database
    holding = asyncio.create_task(database.transact(hold, workspaces=[floor.workspace_id]))
    await has_locked.wait()
    try:
        yield
    finally:
        release.set()
        await holding


async def test_of_two_who_answer_at_once_one_wins(floor: Floor) -> None:
    await floor.set_state("ann")
    await floor.open_ticket("t")
    offer = await floor.offered("ann", "t")
    answers = await asyncio.gather(
        floor.http.post(f"/v1/offers/{offer['offer_id']}/accept"),
        floor.http.post(f"/v1/offers/{offer['offer_id']}/decline", json={"reason": "no"}),
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [204, 409])


async def test_a_declined_offer_goes_to_the_next_and_the_decisions_say_why(floor: Floor) -> None:
    await floor.set_state("ann")
    await floor.set_state("bob")
    await floor.open_ticket("t")
    offer = await floor.offered("ann", "t")
    answer = await floor.http.post(f"/v1/offers/{offer['offer_id']}/decline", json={"reason": "at lunch"})
    assert answer.status_code == 204
    await floor.offered("bob", "t")
    said = words(await floor.decisions("t"))
    assert said[0].startswith("Rule default holds after bills (")
    assert said[1] == (
        "Offered to ann, first of 2 who could be asked by longest idle; next would have been bob."
        " Not asked: 1 of another support tier."
    )
    assert said[2] == "The offer to ann was declined: at lunch."
    assert said[3].startswith("Back in line because the offer was declined")
    assert said[4].startswith("Offered to bob, first of 1 who could be asked")
    assert "1 who had refused it" in said[4]


async def test_an_escalation_takes_it_to_tier_two(floor: Floor) -> None:
    await floor.set_state("ann")
    await floor.set_state("eve")
    await floor.open_ticket("t")
    await floor.accept("ann", "t")
    await floor.escalate("t", support_tier=2)
    offer = await floor.offered("eve", "t")
    assert offer["support_tier"] == 2
    assert await floor.work("ann") == []


async def test_an_escalation_may_arrive_before_its_ticket(floor: Floor) -> None:
    await floor.set_state("ann")
    await floor.set_state("eve")
    await floor.escalate("t", support_tier=2)
    await floor.open_ticket("t")
    await floor.offered("eve", "t")


async def test_work_moves_by_hand_and_refusals_change_nothing(floor: Floor) -> None:
    for agent_id in ("ann", "eve"):
        await floor.set_state(agent_id)
    ticket_id = await floor.open_ticket("t")
    await floor.accept("ann", "t")
    transfer = f"/v1/work/{ticket_id}/transfer"
    nowhere = await floor.http.post(transfer, json={"reason": "r", "queue": "nowhere"})
    both = await floor.http.post(transfer, json={"reason": "r", "queue": "billing", "agent_id": "eve"})
    absent = await floor.http.post(transfer, json={"reason": "r", "agent_id": "bob"})
    assert [nowhere.status_code, both.status_code, absent.status_code] == [404, 422, 409]
    assert (await floor.work("ann"))[0]["state"] == "assigned"
    moved = await floor.http.post(transfer, json={"reason": "too hard", "support_tier": 2})
    assert moved.status_code == 200
    await floor.accept("eve", "t")
    early = await floor.http.post(f"/v1/work/{ticket_id}/complete")
    assert early.status_code == 409
    back = await floor.http.post(f"/v1/work/{ticket_id}/release", json={"reason": "not mine"})
    assert back.status_code == 200
    given = await floor.http.post(f"/v1/work/{ticket_id}/assign", json={"agent_id": "ann"})
    assert given.json()["agent_id"] == "ann"


async def test_agents_answer_only_for_themselves(floor: Floor) -> None:
    await floor.set_state("ann")
    ticket_id = await floor.open_ticket("t")
    offer = await floor.offered("ann", "t")
    bob = await floor.system.http("router", floor.workspace_id, "agents:self", subject="bob")
    ann = await floor.system.http("router", floor.workspace_id, "agents:self", subject="ann")
    assert (await bob.post(f"/v1/offers/{offer['offer_id']}/accept")).status_code == 404
    assert (await bob.put("/v1/agents/ann/state", json={"state": "away"})).status_code == 403
    assert (await bob.get("/v1/agents/ann/offers")).status_code == 403
    assert (await ann.post(f"/v1/offers/{offer['offer_id']}/accept")).status_code == 200
    assert (await bob.post(f"/v1/work/{ticket_id}/release", json={})).status_code == 404
    assert (await ann.post(f"/v1/work/{ticket_id}/assign", json={"agent_id": "bob"})).status_code == 403
    assert (await ann.post(f"/v1/work/{ticket_id}/release", json={})).status_code == 200


async def test_another_workspace_sees_nothing(floor: Floor) -> None:
    await floor.set_state("ann")
    ticket_id = await floor.open_ticket("t")
    offer = await floor.offered("ann", "t")
    other = await floor.system.http("router", f"{floor.workspace_id}-other")
    for path in ("/v1/agents/ann", f"/v1/tickets/{ticket_id}/decisions", "/v1/queues/general"):
        assert (await other.get(path)).status_code == 404, path
    assert (await other.get("/v1/agents/ann/offers")).json() == {"items": []}
    assert (await other.post(f"/v1/offers/{offer['offer_id']}/accept")).status_code == 404
    assert (await other.post(f"/v1/work/{ticket_id}/release", json={})).status_code == 404


async def test_a_key_finds_the_first_answer(floor: Floor) -> None:
    await floor.set_state("ann")
    await floor.set_state("bob")
    await floor.open_ticket("t")
    offer = await floor.offered("ann", "t")
    path, headers = f"/v1/offers/{offer['offer_id']}/decline", {"Idempotency-Key": "once"}
    first = await floor.http.post(path, json={"reason": "no"}, headers=headers)
    again = await floor.http.post(path, json={"reason": "no"}, headers=headers)
    other = await floor.http.post(path, json={"reason": "still no"}, headers=headers)
    assert [first.status_code, again.status_code, other.status_code] == [204, 204, 422]


async def test_queues_say_what_waits_and_who_serves(floor: Floor) -> None:
    await floor.open_ticket("t")
    await eventually(lambda: _waiting(floor, "general", 1))
    queue = (await floor.http.get("/v1/queues/general")).json()
    assert (queue["eligible"], queue["ready"], queue["estimated_wait_s"]) == (3, 0, None)
    assert queue["oldest_waiting_at"] is not None
    await floor.set_state("ann")
    await eventually(lambda: _waiting(floor, "general", 0))
    assert [item["queue_id"] for item in (await floor.http.get("/v1/queues")).json()["items"]] == [
        "billing",
        "general",
    ]


async def _is_idle(floor: Floor, agent_id: str) -> bool:
    agent = (await floor.http.get(f"/v1/agents/{agent_id}")).json()
    return bool(agent["activity"] == "idle" and agent["load"] == 0)


async def _waiting(floor: Floor, queue: str, count: int) -> bool:
    return bool((await floor.http.get(f"/v1/queues/{queue}")).json()["waiting"] == count)
