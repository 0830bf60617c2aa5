"""Agents who are in very many classes that all wait: many skills, and a policy of many rules. Prints JSON.

`python -m tests.load.broad_desk CLASSES ORDER DECISIONS`: seconds of each decision, the engine alone.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from itertools import combinations, islice
from random import Random

from services.router.app.configuration import RouterPart, to_configuration
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from shared.process import calm_collector
from shared.vocabulary import AgentState, Priority, TicketStatus, WorkState
from tests.load.large_desk import WORKSPACE, LargeDesk, ticket

AGENTS = 100
QUEUES = ("first", "second")
SKILLS = tuple(f"skill-{number}" for number in range(40))
PER_CLASS = 25
"""Items that wait in each class, more or less."""


def part(classes: int, order: str) -> RouterPart:
    """Agents with every skill in every queue, and a rule for each of so many pairs of skills."""
    pairs = islice(combinations(SKILLS, 2), classes)
    agent = {"queues": QUEUES, "skills": dict.fromkeys(SKILLS, 3), "capacity": 20}
    return RouterPart.model_validate(
        {
            "skills": SKILLS,
            "queues": [{"id": name, "offer_mode": "auto", "order": order} for name in QUEUES],
            "agents": [{"id": f"agent-{number}", **agent} for number in range(AGENTS)],
            "policy": {
                "rules": [
                    {
                        "id": f"rule-{number}",
                        "when": f'ticket.labels.topic == "{number}"',
                        "queue": QUEUES[number % len(QUEUES)],
                        "skills": dict.fromkeys(pair, 1 + number % 3),
                    }
                    for number, pair in enumerate(pairs)
                ],
                "default": {"queue": QUEUES[0]},
            },
        }
    )


def build(classes: int, order: str) -> LargeDesk:
    """Everybody is at work, and something waits in every class."""
    start = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    desk = LargeDesk(RoutingState(WORKSPACE, to_configuration(0, RouterPart())), start)
    desk.feed(inputs.Configure(configuration=to_configuration(1, part(classes, order))))
    for agent_id in sorted(desk.state.agents):
        desk.feed(inputs.SetAgentState(agent_id=agent_id, state=AgentState.AVAILABLE, reason=None))
    random = Random(4)
    for number in range(classes * PER_CLASS + AGENTS):
        # Apart, so that some have aged by a step or two when they are given out.
        desk.now += timedelta(seconds=random.uniform(0, 2))
        desk.feed(ticket(desk, random, random.choice(list(Priority)), topic=number % classes))
    assert sum(found.line.count > 0 for found in desk.state.classes.values()) == classes
    return desk


def decide(desk: LargeDesk, decisions: int) -> list[float]:
    """Seconds of each: a ticket is solved and its agent gets the next one of all that wait."""
    took = []
    # Half of what waits at most: as long as there is enough for everybody.
    for number in range(min(decisions, (len(desk.state.items) - AGENTS) // 2)):
        agent = desk.state.agents[f"agent-{number % AGENTS}"]
        (work_id,) = agent.work
        solved = desk.state.items[work_id].ticket_id
        took.append(desk.feed(inputs.TicketStatusSet(ticket_id=solved, status=TicketStatus.SOLVED)))
        assert all(desk.state.items[each].state is WorkState.ASSIGNED for each in agent.work)
    return took


def main(classes: int, order: str, decisions: int) -> list[float]:
    """What each decision of one desk took."""
    calm_collector()
    return decide(build(classes, order), decisions)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))  # noqa: T201 - its result
