"""What users of other systems complained about, and what happens here."""

import asyncio
from datetime import datetime
from typing import Any

import httpx

from tests.eventually import eventually
from tests.integration.router.crowd import CROWD, employ, given, owners, waiting
from tests.integration.router.floor import Floor, words
from tests.integration.router.hours import absence, another_day, configure, general


async def crowded(floor: Floor, **queue: Any) -> list[httpx.AsyncClient]:
    """A dozen available agents, each with a client of their own."""
    await employ(floor, **queue)
    for name in CROWD:
        await floor.set_state(name)
    return [await floor.system.http("router", floor.workspace_id, "agents:self", subject=name) for name in CROWD]


async def assignments(floor: Floor, name: str) -> list[str]:
    """To whom a ticket was ever assigned, in order."""
    return [each.agent_id for each in await given(floor, [name])]


async def test_b5_agents_who_grab_the_same_conversations_at_once_get_one_each(floor: Floor) -> None:
    """Chatwoot fork PR#359: 160 agents, 93 conflicting pairs a day, most of them within ten seconds."""
    clients = await crowded(floor, offer_mode="pull")
    for number in range(5):
        await floor.open_ticket(f"t{number}")

    async def all_wait() -> bool:
        return await waiting(floor) == 5

    await eventually(all_wait)
    answers = await asyncio.gather(
        *(client.post(f"/v1/agents/{name}/next") for name, client in zip(CROWD, clients, strict=True))
    )
    taken = [answer.json() for answer in answers if answer.status_code == 200]
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [204] * 7
    assert {work["ticket_id"] for work in taken} == {str(floor.ticket_id(f"t{number}")) for number in range(5)}
    assert sorted(await owners(floor)) == sorted((work["ticket_id"], work["agent_id"]) for work in taken)


async def test_b5_of_all_who_are_asked_and_say_yes_at_once_one_has_it_and_keeps_it(floor: Floor) -> None:
    """Libredesk PR#385, zammad#246: two agents believed that they owned the ticket."""
    clients = await crowded(floor, asked_at_once=len(CROWD))
    await floor.open_ticket("t")
    offers = [await floor.offered(name, "t") for name in CROWD]
    answers = await asyncio.gather(
        *(
            client.post(f"/v1/offers/{offer['offer_id']}/accept")
            for offer, client in zip(offers, clients, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (len(CROWD) - 1)
    winner = next(answer.json()["agent_id"] for answer in answers if answer.status_code == 200)
    assert await owners(floor) == [(str(floor.ticket_id("t")), winner)]
    assert await assignments(floor, "t") == [winner]


async def test_b5_what_somebody_assigned_by_hand_is_not_assigned_back_by_the_system(floor: Floor) -> None:
    """Chatwoot PR#15275, zammad#3156: automatic assignment undid what a person had just done."""
    await crowded(floor, offer_mode="auto")
    ticket_id = await floor.open_ticket("t")
    await eventually(lambda: _has_owner(floor))
    first = (await owners(floor))[0][1]
    wanted = next(name for name in CROWD if name != first)
    by_hand = await floor.http.post(f"/v1/work/{ticket_id}/assign", json={"agent_id": wanted})
    assert by_hand.status_code == 200
    for state in ("away", "available"):
        await floor.set_state(first, state)
        await floor.set_state(wanted, state)
    seen = by_hand.headers["etag"]
    stale = await floor.http.post(
        f"/v1/work/{ticket_id}/assign", json={"agent_id": first}, headers={"If-Match": '"1"'}
    )
    assert (stale.status_code, seen) == (412, (await floor.http.get(f"/v1/work/{ticket_id}")).headers["etag"])
    assert await owners(floor) == [(str(ticket_id), wanted)]
    assert await assignments(floor, "t") == [first, wanted]


async def test_b3_nobody_on_leave_or_off_shift_is_given_work_until_they_are_back(floor: Floor) -> None:
    """Frappe helpdesk#1528: assignment asked for neither shifts nor leave."""
    await configure(floor, ann={"time_off": [absence(-60, 4)]}, bob={"shifts": another_day()})
    await floor.set_state("ann")
    await floor.set_state("bob")
    await floor.open_ticket("t")

    async def waits() -> bool:
        return bool((await general(floor))["waiting"] == 1)

    await eventually(waits)
    shown = {agent["agent_id"]: agent for agent in (await floor.http.get("/v1/agents")).json()["items"]}
    assert [shown[name]["is_on_duty"] for name in ("ann", "bob", "eve")] == [False, False, True]
    assert datetime.fromisoformat(shown["bob"]["duty_turns_at"]).hour == 9
    assert shown["eve"]["duty_turns_at"] is None
    assert await floor.offers("bob") == []
    offer = await floor.offered("ann", "t")
    back_at = datetime.fromisoformat(shown["ann"]["duty_turns_at"])
    assert datetime.fromisoformat(offer["offered_at"]) >= back_at
    assert "1 off shift" in words(await floor.decisions("t"))[-1]


async def test_b3_work_of_somebody_who_is_gone_comes_back_when_their_leave_begins(floor: Floor) -> None:
    """Chatwoot#9587: what people had when their shift ended stayed theirs although they were gone."""
    queue = {"offer_mode": "auto", "return_after": "1s"}
    await configure(floor, queue=queue, ann={"time_off": [absence(3, 60)]})
    await floor.set_state("ann")
    ticket_id = await floor.open_ticket("t")

    async def has_it(agent_id: str) -> bool:
        return [item["ticket_id"] for item in await floor.work(agent_id)] == [str(ticket_id)]

    await eventually(lambda: has_it("ann"))
    await floor.set_state("bob")
    await floor.set_state("ann", "away")
    await eventually(lambda: has_it("bob"))
    assert (await floor.http.get("/v1/agents/ann")).json()["is_on_duty"] is False


async def _has_owner(floor: Floor) -> bool:
    return len(await owners(floor)) == 1
