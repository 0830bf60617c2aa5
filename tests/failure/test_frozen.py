"""A process that is frozen, loses its shards to another one, and wakes up in the middle of what it was doing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.events.catalog import shard_of
from tests.eventually import eventually
from tests.failure.fleet import LOOK_S, Fleet
from tests.failure.load import Load, under_fault
from tests.failure.truth import Truth
from tests.failure.verdict import must_hold

FROZEN = ("router", "escalation")
ASKING: dict[str, Any] = {
    "queues": [{"id": "default", "offer_timeout": "2s"}],
    "agents": [{"id": name} for name in ("ann", "bob", "eve")],
}
HASTY: dict[str, Any] = {
    # The shortest that there is: it passes while the process that would tell of it is frozen.
    "sla_policies": [{"id": "hasty", "when": "true", "targets": [{"metric": "first_reply", "within": "15s"}]}]
}
COMMANDS = 40


@pytest.fixture
async def pair(fleet: Fleet) -> AsyncIterator[Fleet]:
    """Two routers and two escalations, each with half of the shards."""
    seconds = [f"{name}-2" for name in FROZEN]
    for name in seconds:
        fleet.start(name)
    await eventually(lambda: _is_shared(fleet), within_s=60, every_s=LOOK_S)
    yield fleet
    await fleet.stop(*seconds)
    await fleet.ready()


async def test_a_frozen_process_commits_nothing_once_its_shards_were_taken(pair: Fleet, truth: Truth) -> None:
    asking, hasty = await _workspace(pair, "router"), await _workspace(pair, "escalation")
    await pair.configure(asking, routing=ASKING)
    await pair.configure(hasty, promises=HASTY)
    tickets = {name: [await _ticket(pair, name, number) for number in range(5)] for name in (asking, hasty)}
    answers: list[int] = []

    async def fault(load: Load) -> None:
        await load.reached(0.2)
        async with pair.http("router", asking) as http, asyncio.TaskGroup() as group:
            commands = [group.create_task(_add_agent(http, number)) for number in range(COMMANDS)]
            await asyncio.wait(commands, return_when=asyncio.FIRST_COMPLETED)
            for name in FROZEN:
                pair.freeze(name)
            try:
                await eventually(lambda: _is_taken(pair), within_s=40, every_s=LOOK_S)
                await eventually(lambda: _has_fired(pair, hasty, 5), within_s=40, every_s=LOOK_S)
            finally:
                for name in FROZEN:
                    pair.thaw(name)
        answers.extend(command.result() for command in commands)

    load = await under_fault(pair, fault)
    await eventually(lambda: _is_shared(pair), within_s=40, every_s=LOOK_S)
    await must_hold(pair, truth, load)

    # Records: what was under way was refused, and decided once, by the other.
    for name in FROZEN:
        assert '"shard.stale"' in pair.log(name) or '"shard.lost"' in pair.log(name)
    # Commands: those that were answered with success are there, those that were not are not there twice.
    added = Counter(
        event["data"]["agent_id"]
        for (workspace_id, _), events in truth.events.items()
        for event in events.values()
        if workspace_id == asking and event["type"] == "waypost.agent.updated.v1"
    )
    assert set(answers) <= {201, 503}
    assert 503 in answers
    for number, status in enumerate(answers):
        assert added[f"extra-{number}"] in ({1} if status == 201 else {0, 1})
    # Timers: each once.
    breached = truth.of_type("sla.breached")
    assert [len(breached[ticket]) for ticket in tickets[hasty]] == [1] * 5
    expired = Counter(
        event["data"]["offer_id"] for events in truth.of_type("offer.expired").values() for event in events
    )
    assert expired
    assert set(expired.values()) == {1}
    # Whoever wrote first under a higher epoch wrote last under the lower one.
    assert truth.epochs_backwards() == []


async def _workspace(fleet: Fleet, service: str) -> str:
    """A workspace of which the process to be frozen holds the shard."""
    rows = await fleet.rows(service, "SELECT n FROM shard_lease WHERE holder = $1", service)
    held = {n for (n,) in rows}
    names = (f"{service}-works-{number}" for number in range(1000))
    return next(name for name in names if shard_of(name) in held)


async def _ticket(fleet: Fleet, workspace_id: str, number: int) -> str:
    async with fleet.http("intake", workspace_id) as http:
        message = {"channel": "api", "from": {"email": f"{number}@example.org"}, "text": "Help."}
        answer = await http.post("/v1/messages", json=message)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["ticket_id"])


async def _add_agent(http: Any, number: int) -> int:
    name = f"extra-{number}"
    answer = await http.put(f"/v1/agents/{name}", json={"id": name}, timeout=60)
    return int(answer.status_code)


async def _is_shared(fleet: Fleet) -> bool:
    for name in FROZEN:
        assert await fleet.shares(name) == {name: 6, f"{name}-2": 6}
    return True


async def _is_taken(fleet: Fleet) -> bool:
    for name in FROZEN:
        assert await fleet.shares(name) == {f"{name}-2": 12}
    return True


async def _has_fired(fleet: Fleet, workspace_id: str, number: int) -> bool:
    """Whether the promises of a workspace were broken, by whoever watches over them now."""
    rows = await fleet.rows(
        "escalation",
        "SELECT count(*) FROM sla_clock WHERE workspace_id = $1 AND breached_at IS NOT NULL",
        workspace_id,
    )
    return bool(rows == [(number,)])
