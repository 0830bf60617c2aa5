"""Presence by heartbeat: an agent's own stream over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import httpx
from httpx_sse import SSEError, aconnect_sse

from deploy.local.stack import Stack
from shared.kafka.client import Producer
from tests.eventually import eventually
from tests.integration.router.floor import CONFIGURATION, Floor
from tests.shards import SHARDS, shard_of
from tests.system import Templates, start


async def hasten(floor: Floor) -> None:
    """Lets connections count as lost after five seconds."""
    part = {**CONFIGURATION, "presence": {"lost_after": "5s"}}
    answer = await floor.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


@asynccontextmanager
async def stream(http: httpx.AsyncClient, agent_id: str) -> AsyncIterator[None]:
    """An agent's desk is open somewhere."""
    opened = asyncio.Event()

    async def follow() -> None:
        async with aconnect_sse(http, "GET", f"/v1/agents/{agent_id}/stream") as source:
            async for _ in source.aiter_sse():
                opened.set()

    following = asyncio.create_task(follow())
    try:
        await asyncio.wait_for(opened.wait(), 10)
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def is_(floor: Floor, agent_id: str, state: str, reason: str | None, *, connected: bool) -> bool:
    agent = (await floor.http.get(f"/v1/agents/{agent_id}")).json()
    return bool((agent["state"], agent["reason"], agent["is_connected"]) == (state, reason, connected))


async def _is_asked_nothing(floor: Floor, agent_id: str) -> bool:
    return not await floor.offers(agent_id)


async def test_b3_an_agent_who_is_gone_is_offered_nothing_and_is_back_when_their_page_is(floor: Floor) -> None:
    await hasten(floor)
    ann = await floor.system.http("router", floor.workspace_id, "agents:self", subject="ann")
    async with stream(ann, "ann"):
        await floor.set_state("ann")
        await eventually(lambda: is_(floor, "ann", "available", None, connected=True))
        await floor.open_ticket("t")
        await floor.offered("ann", "t")
    await eventually(lambda: is_(floor, "ann", "available", None, connected=False))
    await eventually(lambda: is_(floor, "ann", "away", "connection_lost", connected=False), within_s=15)
    await eventually(lambda: _is_asked_nothing(floor, "ann"))
    async with stream(ann, "ann"):
        await eventually(lambda: is_(floor, "ann", "available", None, connected=True))
        await floor.offered("ann", "t")


async def test_who_looks_at_somebodys_desk_does_not_make_them_be_there(floor: Floor) -> None:
    boss = await floor.system.http("router", floor.workspace_id, "agents:read", subject="boss")
    await floor.set_state("ann")
    async with stream(boss, "ann"):
        await floor.set_state("bob")
        assert await is_(floor, "ann", "available", None, connected=False)


async def test_one_of_two_open_pages_is_enough(floor: Floor) -> None:
    ann = await floor.system.http("router", floor.workspace_id, "agents:self", subject="ann")
    async with stream(ann, "ann"):
        async with stream(ann, "ann"):
            await eventually(lambda: is_(floor, "ann", "offline", None, connected=True))
        await floor.set_state("bob")
        assert await is_(floor, "ann", "offline", None, connected=True)
    await eventually(lambda: is_(floor, "ann", "offline", None, connected=False))


async def test_a_stream_follows_its_workspace_to_the_process_that_takes_it(
    stack: Stack, templates: Templates, tmp_path: Path, producers: Callable[[str], Producer]
) -> None:
    prefix = "presences"
    producer = producers(prefix)
    async with start(stack, ("router",), prefix=prefix, templates=templates, folder=tmp_path) as one:
        floors = [await Floor.open(one, producer, f"present-{number}") for number in range(6)]
        counts = dict.fromkeys((floor.workspace_id for floor in floors), 0)

        async def follow(floor: Floor) -> None:
            ann = await one.http("router", floor.workspace_id, "agents:self", subject="ann")
            while True:
                with suppress(httpx.HTTPError, SSEError):
                    async with aconnect_sse(ann, "GET", "/v1/agents/ann/stream") as source:
                        counts[floor.workspace_id] += 1
                        async for _ in source.aiter_sse():
                            pass
                await asyncio.sleep(0.1)  # as a page does that connects anew

        following = [asyncio.create_task(follow(floor)) for floor in floors]
        for floor in floors:
            await floor.set_state("ann")
            await eventually(partial(is_, floor, "ann", "available", None, connected=True))
        async with start(
            stack,
            ("router",),
            prefix=prefix,
            templates=templates,
            folder=tmp_path,
            databases=one.databases,
            process=2,
        ) as two:
            held = two.services["router"].runtime.leases.held
            await eventually(lambda: len(held()) == SHARDS // 2)
            moved = [floor for floor in floors if shard_of(floor.workspace_id) in {shard.n for shard in held()}]
            assert moved
            for floor in moved:
                await eventually(partial(_has_come_again, counts, floor.workspace_id), within_s=15)
                await eventually(partial(is_, floor, "ann", "available", None, connected=True))
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)


def _has_come_again(counts: dict[str, int], workspace_id: str) -> bool:
    return counts[workspace_id] > 1


async def test_who_had_a_stream_in_a_process_that_is_gone_is_away_unless_they_come_back(
    stack: Stack, templates: Templates, tmp_path: Path, producers: Callable[[str], Producer]
) -> None:
    prefix = "absences"
    producer = producers(prefix)
    async with start(stack, ("router",), prefix=prefix, templates=templates, folder=tmp_path) as system:
        floor = await Floor.open(system, producer, "acme")
        await hasten(floor)
        ann = await system.http("router", "acme", "agents:self", subject="ann")
        async with stream(ann, "ann"):
            await floor.set_state("ann")
            await eventually(lambda: is_(floor, "ann", "available", None, connected=True))
        databases = system.databases
    async with start(
        stack, ("router",), prefix=prefix, templates=templates, folder=tmp_path, databases=databases
    ) as again:
        floor.http = await again.http("router", "acme")
        await eventually(lambda: is_(floor, "ann", "away", "connection_lost", connected=False), within_s=20)


async def test_a_desk_that_is_not_theirs_or_nobody_s_is_refused_before_anything_is_streamed(floor: Floor) -> None:
    ann = await floor.system.http("router", floor.workspace_id, "agents:self", subject="ann")
    assert (await ann.get("/v1/agents/bob/stream")).status_code == 403
    assert (await floor.http.get("/v1/agents/nobody/stream")).status_code == 404


async def test_the_stream_of_an_agent_who_is_removed_ends(floor: Floor) -> None:
    ann = await floor.system.http("router", floor.workspace_id, "agents:self", subject="ann")
    async with aconnect_sse(ann, "GET", "/v1/agents/ann/stream") as source:
        desks = source.aiter_sse()
        await anext(desks)
        others = [agent for agent in CONFIGURATION["agents"] if agent["id"] != "ann"]
        part = {**CONFIGURATION, "agents": others}
        answer = await floor.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        assert [desk async for desk in desks] == []
