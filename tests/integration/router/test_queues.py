"""Queues over HTTP: as they stand, a page at a time."""

from tests.eventually import eventually
from tests.integration.router.floor import Floor


async def test_queues_come_a_page_at_a_time(floor: Floor) -> None:
    part = {"queues": [{"id": name} for name in ("default", "alpha", "beta")]}
    assert (await floor.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})).status_code == 200
    first = (await floor.http.get("/v1/queues", params={"limit": 2})).json()
    assert [queue["queue_id"] for queue in first["items"]] == ["alpha", "beta"]
    rest = (await floor.http.get("/v1/queues", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [queue["queue_id"] for queue in rest["items"]] == ["default"]
    assert rest["next_cursor"] is None
    assert (await floor.http.get("/v1/queues", params={"cursor": "x"})).status_code == 422


async def test_a_workspace_that_was_never_configured_has_one_queue(floor: Floor) -> None:
    other = await floor.system.http("router", f"{floor.workspace_id}-other")
    answer = (await other.get("/v1/queues")).json()
    assert [(queue["queue_id"], queue["waiting"]) for queue in answer["items"]] == [("default", 0)]
    assert answer["next_cursor"] is None


async def test_a_queue_says_what_it_has_in_each_state(floor: Floor) -> None:
    for name in ("first", "second", "third"):
        await floor.open_ticket(name)

    async def queue() -> dict[str, object]:
        return dict((await floor.http.get("/v1/queues/general")).json())

    async def stands(waiting: int, offered: int, assigned: int) -> bool:
        now = await queue()
        return (now["waiting"], now["offered"], now["assigned"]) == (waiting, offered, assigned)

    await eventually(lambda: stands(3, 0, 0))
    assert (await queue())["oldest_waiting_at"] is not None
    await floor.set_state("ann")
    await eventually(lambda: stands(0, 3, 0))
    assert (await queue())["oldest_waiting_at"] is None
    await floor.accept("ann", "first")
    await eventually(lambda: stands(0, 2, 1))
    assert ((await queue())["eligible"], (await queue())["ready"]) == (3, 1)
