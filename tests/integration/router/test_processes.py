"""The router across restarts and in several processes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import text

from deploy.local.stack import Stack
from shared.db.unit_of_work import Tx
from shared.kafka.client import Producer
from shared.vocabulary import TicketStatus
from tests.eventually import eventually
from tests.integration.router.floor import Floor
from tests.shards import SHARDS, shard_of
from tests.system import System, Templates, start

PREFIX = "routers"


async def test_a_restart_makes_the_same_memory_and_fires_what_became_due_once(
    stack: Stack, templates: Templates, tmp_path: Path, producers: Callable[[str], Producer]
) -> None:
    async with start(stack, ("router",), prefix=PREFIX, templates=templates, folder=tmp_path) as system:
        floor = await Floor.open(system, producers(PREFIX), "acme")
        await floor.set_state("ann")
        await floor.set_state("bob")
        await floor.open_ticket("held")
        await floor.accept("ann", "held")
        await floor.open_ticket("offered", labels={"product": "bill"})
        offer = await floor.offered("bob", "offered")
        await floor.open_ticket("german", language="de")
        await floor.offered("ann", "german")
        before = [(await floor.http.get(path)).json() for path in PATHS]
        databases = system.databases
    async with start(
        stack, ("router",), prefix=PREFIX, templates=templates, folder=tmp_path, databases=databases
    ) as again:
        floor.http = await again.http("router", "acme")
        await eventually(partial(_shows, floor, before))
        accepted = await floor.http.post(f"/v1/offers/{offer['offer_id']}/accept")
        assert accepted.status_code == 200
        await floor.set_status("held", TicketStatus.OPEN, TicketStatus.SOLVED)
        await eventually(lambda: _load(floor, "ann", 20))


PATHS = ("/v1/agents", "/v1/agents/ann/offers", "/v1/agents/bob/offers", "/v1/agents/ann/work", "/v1/queues")


async def test_a_timer_that_cannot_be_decided_is_set_aside(
    stack: Stack, templates: Templates, tmp_path: Path, producers: Callable[[str], Producer]
) -> None:
    prefix = f"{PREFIX}4"
    own = producers(prefix)
    async with start(stack, ("router",), prefix=prefix, templates=templates, folder=tmp_path) as system:
        floor = await Floor.open(system, own, "acme")
        await floor.open_ticket("t")
        database = system.services["router"].runtime.database
        # An order that is late, of a partner who does not have it: no router writes such a row.
        late = text("UPDATE work_item SET done_by = now() - interval '1 minute' RETURNING work_id")

        async def made_late(tx: Tx) -> bool:
            return (await tx.execute(late)).first() is not None

        # `/waiting` shows memory, which may be a commit ahead of the rows.
        await eventually(partial(database.transact, made_late, workspaces=["acme"]))
        databases = system.databases
    async with start(
        stack, ("router",), prefix=prefix, templates=templates, folder=tmp_path, databases=databases
    ) as again:
        floor.system, floor.http = again, await again.http("router", "acme")
        await floor.set_state("ann")
        await floor.offered("ann", "t")
        assert 'waypost_timers_undecided_total{what="order_lapses"} 1.0' in (await floor.http.get("/metrics")).text


async def test_requests_reach_the_process_that_holds_the_workspace(
    stack: Stack, templates: Templates, tmp_path: Path, producers: Callable[[str], Producer]
) -> None:
    prefix = f"{PREFIX}2"
    own = producers(prefix)
    async with start(stack, ("router",), prefix=prefix, templates=templates, folder=tmp_path) as one:
        async with start(
            stack,
            ("router",),
            prefix=prefix,
            templates=templates,
            folder=tmp_path,
            databases=one.databases,
            process=2,
        ) as two:
            # Neither knows yet where the other's shards are: requests wait until they do.
            await eventually(lambda: _held(one) == _held(two) == SHARDS // 2)
            floors = [await Floor.open(one, own, f"forwarded-{number}") for number in range(6)]
            for floor in floors:
                await floor.set_state("ann")
                await floor.open_ticket("t")
                offer = await floor.offered("ann", "t")
                through_two = await two.http("router", floor.workspace_id)
                answer = await through_two.post(f"/v1/offers/{offer['offer_id']}/accept")
                assert answer.status_code == 200, answer.text
        await eventually(lambda: _held(one) == SHARDS)
        for floor in floors:
            await eventually(partial(_is_engaged, floor))


async def test_a_router_whose_shard_was_taken_commits_no_record_no_command_and_no_timer(
    stack: Stack, templates: Templates, tmp_path: Path, producers: Callable[[str], Producer]
) -> None:
    prefix = f"{PREFIX}3"
    own = producers(prefix)
    async with start(stack, ("router",), prefix=prefix, templates=templates, folder=tmp_path) as system:
        floor = await Floor.open(system, own, "acme")
        configuration = (await floor.http.get("/v1/configuration")).json()["configuration"]
        configuration["queues"][0]["offer_timeout"] = "2s"
        answer = await floor.http.put("/v1/configuration", json=configuration, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        await floor.set_state("ann")
        await floor.open_ticket("t")
        offer = await floor.offered("ann", "t")
        await _steal(system, shard_of("acme"))
        command = await floor.http.put("/v1/agents/bob/state", json={"state": "available"})
        assert command.status_code == 503
        await floor.open_ticket("u")
        await eventually(lambda: _is_gone(system, shard_of("acme")))
        # Longer than the offer's timeout: whatever could fire would have fired.
        await eventually(lambda: _is_past(system, offer["expires_at"]))
        rows = await _rows(system, "acme")
        assert rows["offers"] == [(offer["offer_id"], "pending")]
        assert rows["tickets"] == 1
        assert rows["agents"] == [("ann", "available"), ("bob", "offline"), ("eve", "offline")]


async def _steal(system: System, n: int) -> None:
    """What another process does while ours is frozen: it takes the lease and raises the epoch."""

    async def unit(tx: Tx) -> None:
        await tx.execute(
            text("UPDATE shard_lease SET holder = 'thief', expires_at = 'infinity' WHERE n = :n"), {"n": n}
        )
        await tx.execute(text("UPDATE shard SET epoch = epoch + 1 WHERE n = :n"), {"n": n})

    await system.services["router"].runtime.database.transact(unit)


async def _rows(system: System, workspace_id: str) -> dict[str, object]:
    async def unit(tx: Tx) -> dict[str, object]:
        offers = await tx.execute(text("SELECT offer_id, state FROM offer"))
        tickets = await tx.execute(text("SELECT count(*) FROM ticket"))
        agents = await tx.execute(text("SELECT agent_id, state FROM agent ORDER BY agent_id"))
        return {
            "offers": [(str(row.offer_id), row.state) for row in offers],
            "tickets": tickets.scalar_one(),
            "agents": [(row.agent_id, row.state) for row in agents],
        }

    return await system.services["router"].runtime.database.transact(unit, workspaces=[workspace_id])


async def _load(floor: Floor, agent_id: str, load: int) -> bool:
    return bool((await floor.http.get(f"/v1/agents/{agent_id}")).json()["load"] == load)


async def _shows(floor: Floor, before: list[object]) -> bool:
    assert [(await floor.http.get(path)).json() for path in PATHS] == before
    return True


async def _is_engaged(floor: Floor) -> bool:
    answer = await floor.http.get("/v1/agents/ann")
    return answer.status_code == 200 and answer.json()["activity"] == "engaged"


def _held(system: System) -> int:
    return len(system.services["router"].runtime.leases.held())


def _is_gone(system: System, n: int) -> bool:
    return all(shard.n != n for shard in system.services["router"].runtime.leases.held())


def _is_past(system: System, expires_at: str) -> bool:
    now = system.services["router"].runtime.clock.now()
    return now > datetime.fromisoformat(expires_at) + timedelta(seconds=1)
