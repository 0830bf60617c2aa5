"""Why work waits over HTTP: what is said would release it does."""

from typing import Any

from shared.vocabulary import TicketStatus
from tests.eventually import eventually
from tests.integration.router.floor import Floor


async def waits(floor: Floor, name: str) -> dict[str, Any]:
    """Why a ticket waits, once it does."""
    path = f"/v1/tickets/{floor.ticket_id(name)}/waiting"

    async def probe() -> dict[str, Any] | None:
        answer = await floor.http.get(path)
        return dict(answer.json()) if answer.status_code == 200 else None

    found = await eventually(probe, what=f"{name} waits")
    assert found is not None
    return found


async def test_work_says_why_it_waits_and_what_would_release_it(floor: Floor) -> None:
    await floor.open_ticket("t", language="de")
    found = await waits(floor, "t")
    assert (found["state"], found["position"], found["is_open"]) == ("queued", 1, True)
    assert found["requirements"]["skills"] == {"german": 3}
    assert (found["fit"], found["ready"], found["not_ready"]) == (1, 0, {"state:offline": 1})
    assert found["unfit"] == {"skill:german": 1, "support_tier": 1}
    assert (found["estimated_wait_s"], found["estimated_wait_range_s"]) == (None, None), "nobody is there"
    assert [(each["kind"], each["agents"]) for each in found["releases"]] == [("agent_returns", ["ann"])]
    assert "ann (offline) becomes available" in found["words"]
    await floor.open_ticket("second", language="de")
    assert (await waits(floor, "second"))["position"] == 2

    await floor.set_state("ann")
    offer = await floor.offered("ann", "t")
    found = await waits(floor, "t")
    assert (found["state"], found["position"]) == ("offered", None)
    assert [each["offer_id"] for each in found["offers"]] == [offer["offer_id"]]
    assert found["releases"][0]["kind"] == "offer_answered"
    assert found["releases"][0]["at"] == offer["expires_at"]

    await floor.accept("ann", "t")
    answer = await floor.http.get(f"/v1/tickets/{floor.ticket_id('t')}/waiting")
    assert answer.status_code == 404
    assert "ann has it" in answer.json()["detail"]
    unknown = await floor.http.get(f"/v1/tickets/{floor.ticket_id('never')}/waiting")
    assert unknown.status_code == 404


async def test_a_wait_is_estimated_from_what_was_handled(floor: Floor) -> None:
    """Ann is full; her work of today says how long hers takes."""
    await floor.set_state("ann")
    for name in ("done", "a", "b", "c", "d", "e", "waits"):
        await floor.open_ticket(name)
        if name != "waits":
            await floor.accept("ann", name)
        if name == "done":
            await floor.set_status("done", TicketStatus.NEW, TicketStatus.SOLVED)
    found = await waits(floor, "waits")
    assert found["releases"][0]["words"] == "ann finishes something (in hand: 5 email)"
    queue = (await floor.http.get("/v1/queues/general")).json()
    for each in (found, queue):
        low, high = each["estimated_wait_range_s"]
        assert low <= each["estimated_wait_s"] <= high
