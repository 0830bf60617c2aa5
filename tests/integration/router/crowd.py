"""Agents of equal skill on one queue, and what became of tickets that they shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.integration.router.floor import Floor

CROWD = tuple(f"agent-{number:02}" for number in range(12))


@dataclass(frozen=True, slots=True)
class Given:
    """A decision that gave a ticket to an agent, or asked one. order: rises from decision to decision"""

    order: int
    decided_at: str
    ticket: str
    agent_id: str


async def employ(
    floor: Floor, agents: Sequence[str] = CROWD, *, of_agents: dict[str, Any] | None = None, **queue: Any
) -> None:
    """Nobody but these agents, none of them available yet, on one queue."""
    part = {
        "queues": [{"id": "default", **queue}],
        "agents": [{"id": name, **(of_agents or {})} for name in agents],
    }
    answer = await floor.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


async def waiting(floor: Floor) -> int:
    """How many tickets wait."""
    return int((await floor.http.get("/v1/queues/default")).json()["waiting"])


async def owners(floor: Floor, agents: Sequence[str] = CROWD) -> list[tuple[str, str]]:
    """Every (ticket, agent) that holds, over all agents."""
    return [(work["ticket_id"], name) for name in agents for work in await floor.work(name)]


async def given(floor: Floor, tickets: Sequence[str], kind: str = "WorkAssigned") -> list[Given]:
    """Who got these tickets, or was asked for them, in the order in which that was decided."""
    made = [
        Given(each["decision_id"], each["decided_at"], name, each["record"]["agent_id"])
        for name in tickets
        for each in await floor.decisions(name)
        if each["kind"] == kind
    ]
    return sorted(made, key=lambda each: each.order)
