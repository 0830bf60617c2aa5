"""Two routers whose shards move while people work: every ticket has one owner at a time, and none is forgotten."""

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import product
from random import Random
from typing import Any

import httpx
import pytest

from shared.clock import monotonic
from tests.eventually import eventually
from tests.failure.fleet import LOOK_S, Fleet
from tests.failure.truth import Truth

ROUTERS = ("router", "router-2")
WORKSPACES = tuple(f"owners-{number}" for number in range(8))
TICKETS = 15
"""Of each workspace."""
PEOPLE = ("ann", "bob", "eve")
ROUTING: dict[str, Any] = {
    "queues": [{"id": "default", "offer_mode": "ask", "offer_timeout": "20s", "wrap_up": "1s"}],
    "agents": [{"id": name, "limits": {"api": {"cost": 20, "most": 2}}} for name in PEOPLE],
}

PATIENCE_S = 5
"""After so long without an answer people give up, and for as long they keep to the other process."""
PAUSES = 0.25
"""How likely somebody who is available goes away for a moment."""


class Kind(StrEnum):
    """What people tell a router."""

    ACCEPT = "accept"
    RELEASE = "release"
    STATE = "state"


class Place(StrEnum):
    """Where a command was carried out: by the process that was asked, or by the other one."""

    HERE = "here"
    FORWARDED = "forwarded"


@dataclass
class Office:
    """The people of one workspace: they take what they are offered, sometimes pass it on, and solve it."""

    fleet: Fleet
    workspace_id: str
    chance: Random
    open_tickets: set[str] = field(default_factory=set)
    passed_on: set[str] = field(default_factory=set)
    done: Counter[tuple[str, Kind, Place]] = field(default_factory=Counter)
    """(process asked, kind, place) -> how many commands succeeded, of those during which the shard stayed."""
    accepted: Counter[str] = field(default_factory=Counter)
    """Process asked -> how many offers were accepted there."""
    _doors: dict[Kind, list[str]] = field(default_factory=lambda: defaultdict(list))
    _silent: str = ""
    """The process that gave no answer last."""
    _silent_until: float = 0.0

    async def open(self) -> None:
        await self.fleet.configure(self.workspace_id, routing=ROUTING)
        async with self.fleet.http("intake", self.workspace_id) as http:
            for number in range(TICKETS):
                message = {"channel": "api", "from": {"email": f"{number}@example.org"}, "text": "Help."}
                answer = await http.post("/v1/messages", json=message)
                assert answer.status_code == 201, answer.text
                self.open_tickets.add(answer.json()["ticket_id"])

    async def work(self) -> None:
        """Works through either process, as chance has it, until every ticket is solved."""
        while self.open_tickets:
            for agent_id in PEOPLE:
                await self._take(agent_id)
                await self._finish(agent_id)
            await asyncio.sleep(0.1)

    async def _take(self, agent_id: str) -> None:
        for offer in await self._list(f"/v1/agents/{agent_id}/offers"):
            await self._command(Kind.ACCEPT, "POST", f"/v1/offers/{offer['offer_id']}/accept")
        agent = await self._ask(f"/v1/agents/{agent_id}")
        if agent is None:
            return
        is_leaving = agent["state"] == "available" and self.chance.random() < PAUSES
        if is_leaving or agent["state"] != "available":
            state = {"state": "away" if is_leaving else "available"}
            await self._command(Kind.STATE, "PUT", f"/v1/agents/{agent_id}/state", state)

    async def _finish(self, agent_id: str) -> None:
        for item in await self._list(f"/v1/agents/{agent_id}/work"):
            ticket = item["ticket_id"]
            if ticket not in self.open_tickets:
                continue
            if len(self.passed_on) < TICKETS // 3 and ticket not in self.passed_on:
                path = f"/v1/work/{ticket}/release"
                if await self._command(Kind.RELEASE, "POST", path, {"reason": "not mine"}) == 200:
                    self.passed_on.add(ticket)
                continue
            async with self.fleet.http("intake", self.workspace_id) as http:
                answer = await http.patch(f"/v1/tickets/{ticket}", json={"status": "solved"})
            assert answer.status_code == 200, answer.text
            self.open_tickets.discard(ticket)

    async def _list(self, path: str) -> list[dict[str, Any]]:
        found = await self._ask(path)
        return found["items"] if found else []

    async def _ask(self, path: str) -> Any:
        door = self._answering(self.chance.choice(ROUTERS))
        try:
            async with self.fleet.http(door, self.workspace_id, timeout_s=PATIENCE_S) as http:
                answer = await http.get(path)
        except httpx.HTTPError:
            self._keep_from(door)
            return None
        assert answer.status_code in (200, 502, 503, 504), answer.text
        return answer.json() if answer.status_code == 200 else None

    async def holder(self) -> str | None:
        """Which router holds this workspace."""
        return await self.fleet.holder("router", self.workspace_id)

    def _door(self, kind: Kind) -> str:
        """Whom to tell this: of each four commands of a kind every process is told two, in any order."""
        if not self._doors[kind]:
            self._doors[kind] = self.chance.sample(ROUTERS, k=4, counts=[2, 2])
        return self._doors[kind].pop()

    def _answering(self, door: str) -> str:
        """This process, or the other one while this one seems not to answer."""
        is_silent = door == self._silent and monotonic() < self._silent_until
        return next(other for other in ROUTERS if other != door) if is_silent else door

    def _keep_from(self, door: str) -> None:
        self._silent, self._silent_until = door, monotonic() + PATIENCE_S

    async def _command(self, kind: Kind, method: str, path: str, body: dict[str, str] | None = None) -> int:
        """Its answer, or 0 where there was none. Nothing else than these may ever come."""
        door = self._answering(self._door(kind))
        before = await self.holder()
        try:
            async with self.fleet.http(door, self.workspace_id, timeout_s=PATIENCE_S) as http:
                status = (await http.request(method, path, json=body)).status_code
        except httpx.HTTPError:
            self._keep_from(door)
            status = 0
        assert status in (0, 200, 204, 404, 409, 503), status
        if status in (200, 204):
            self.accepted[door] += kind is Kind.ACCEPT
            if before is not None and before == await self.holder():
                self.done[door, kind, Place.HERE if before == door else Place.FORWARDED] += 1
        return status


@pytest.fixture
def seed() -> int:
    """What chance follows from: another one each time, or `WAYPOST_SEED`. Shown where the test fails."""
    chosen = int(os.environ.get("WAYPOST_SEED") or Random().getrandbits(32))
    print(f"WAYPOST_SEED={chosen}")  # noqa: T201 # pytest shows it where the test fails
    return chosen


@pytest.fixture
async def pair(fleet: Fleet) -> AsyncIterator[Fleet]:
    """Two routers, each with half of the shards."""
    fleet.start("router-2")
    await eventually(partial(_is_shared, fleet, 6, 6), within_s=60, every_s=LOOK_S)
    yield fleet
    await fleet.stop("router-2")
    await fleet.ready()


async def test_no_ticket_has_two_owners_and_none_is_forgotten(pair: Fleet, truth: Truth, seed: int) -> None:
    offices = [Office(pair, name, Random(f"{seed} {name}")) for name in WORKSPACES]
    for office in offices:
        await office.open()

    async def faults() -> None:
        await _share_solved(offices, 0.15)
        await pair.kill("router-2")
        await eventually(partial(_is_shared, pair, 6, 6), within_s=60, every_s=LOOK_S)
        await _share_solved(offices, 0.4)
        moving = [office for office in offices if await office.holder() == "router"]
        pair.freeze("router")
        try:
            await eventually(partial(_is_shared, pair, 0, 12), within_s=40, every_s=LOOK_S)
            assert moving
            before = _accepted(moving, "router-2")
            await eventually(
                lambda: _accepted(moving, "router-2") > before, within_s=40, what="an accept at the survivor"
            )
        finally:
            pair.thaw("router")
        await eventually(partial(_is_shared, pair, 6, 6), within_s=60, every_s=LOOK_S)

    async with asyncio.timeout(150), asyncio.TaskGroup() as group:
        group.create_task(faults())
        for office in offices:
            group.create_task(office.work())
    await truth.settle()
    await eventually(partial(_is_idle, pair), within_s=30, every_s=LOOK_S)
    await truth.settle()

    work = {
        subject: [events[number] for number in sorted(events)]
        for subject, events in truth.events.items()
        if subject[0] in WORKSPACES and subject[1].startswith("work/")
    }
    assert len(work) == len(WORKSPACES) * TICKETS
    assert len({events[0]["data"]["ticket_id"] for events in work.values()}) == len(work)
    for subject, events in work.items():
        assert owners_of(events)[-1] is None, subject
        assert events[-1]["type"] == "waypost.work.completed.v1", events[-1]
    assert truth.gaps() == []
    assert truth.epochs_backwards() == []
    assert sum(len(office.passed_on) for office in offices) > 0
    done = sum((office.done for office in offices), Counter[tuple[str, Kind, Place]]())
    assert [each for each in product(ROUTERS, Kind, Place) if not done[each]] == [], done


def owners_of(events: list[dict[str, Any]]) -> list[str | None]:
    """Who had a work item after each of its events. Fails where somebody gets what somebody else has."""
    owner: str | None = None
    owners: list[str | None] = []
    for event in events:
        match event["type"]:
            case "waypost.work.assigned.v1":
                assert owner is None, f"{owner} has it: {event}"
                owner = event["data"]["agent_id"]
            case "waypost.work.requeued.v1":
                assert event["data"]["previous_agent_id"] in (None, owner), event
                owner = None if event["data"]["previous_agent_id"] else owner
            case "waypost.work.completed.v1" | "waypost.work.cancelled.v1":
                assert event["data"]["agent_id"] == owner, event
                owner = None
            case _:
                pass
        owners.append(owner)
    return owners


def _accepted(offices: list[Office], door: str) -> int:
    """How many offers were accepted at a process."""
    return sum(office.accepted[door] for office in offices)


async def _share_solved(offices: list[Office], share: float) -> None:
    async def reached() -> bool:
        left = sum(len(office.open_tickets) for office in offices)
        return left <= (1 - share) * len(offices) * TICKETS

    await eventually(reached, within_s=90, every_s=LOOK_S)


async def _is_shared(fleet: Fleet, first: int, second: int) -> bool:
    held = await fleet.shares("router")
    assert (held.get("router", 0), held.get("router-2", 0)) == (first, second), held
    return True


async def _is_idle(fleet: Fleet) -> bool:
    rows = await fleet.rows(
        "router",
        "SELECT count(*) FROM work_item WHERE workspace_id = ANY ($1)"
        " AND state IN ('queued', 'offered', 'assigned', 'wrapping')",
        WORKSPACES,
    )
    assert rows == [(0,)]
    return True
