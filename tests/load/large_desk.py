"""One workspace as large as the largest: the engine alone, in a process of its own. Prints figures as JSON.

`python -m tests.load.large_desk AGENTS ITEMS DECISIONS [DATABASE_URL]`; with a database it stores the state there,
reads it back, and says how long that took.
"""

import asyncio
import gc
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from time import perf_counter
from uuid import UUID

import psutil  # type: ignore[import-untyped]  # it ships no types

from services.router.adapters.rows import PostgresRoutingRows
from services.router.app.configuration import RouterPart, to_configuration
from services.router.domain import engine, inputs
from services.router.domain.facts import Facts
from services.router.domain.state import RoutingState, Touched
from shared.db.engine import open_engine
from shared.db.unit_of_work import Database, Tx
from shared.events.catalog import SHARDS
from shared.ids import SeededIds, uuid7
from shared.process import calm_collector
from shared.vocabulary import AgentState, ChannelKind, Priority, TicketStatus, WorkState
from shared.wakeups import RelaySignal

WORKSPACE = "large"
QUEUES = tuple(f"queue-{number}" for number in range(50))
SKILLS = tuple(f"skill-{number}" for number in range(20))
PORTION = 20_000
"""Rows that one statement stores."""


@dataclass
class LargeDesk:
    """A workspace whose agents are all busy, and what waits for them."""

    state: RoutingState
    now: datetime
    count: int = 0

    def feed(self, current: inputs.Input) -> float:
        """Runs one input; seconds that the engine took."""
        self.count += 1
        self.now += timedelta(milliseconds=1)
        ids = SeededIds(self.count.to_bytes(8, "big"), self.now)
        began = perf_counter()
        for _ in engine.run(self.state, current, self.now, ids):
            pass
        took = perf_counter() - began
        self.state.forget()
        return took


def part(agents: int) -> RouterPart:
    """Agents in two queues each with three skills, and a rule for each queue and level of one skill."""
    random = Random(1)
    levels = [{skill: random.randint(1, 5) for skill in random.sample(SKILLS, 3)} for _ in range(agents)]
    return RouterPart.model_validate(
        {
            "skills": SKILLS,
            "queues": [{"id": name, "offer_mode": "auto"} for name in QUEUES],
            "agents": [
                {
                    "id": f"agent-{number}",
                    "queues": random.sample(QUEUES, 2),
                    "skills": levels[number],
                    "capacity": 20,
                }
                for number in range(agents)
            ],
            "policy": {
                "rules": [
                    {
                        "id": f"rule-{number}",
                        "when": f'ticket.labels.topic == "{number}"',
                        "queue": name,
                        "skills": {SKILLS[number % len(SKILLS)]: 1 + number % 3} if number % 2 else {},
                    }
                    for number, name in enumerate(QUEUES)
                ],
                "default": {"queue": QUEUES[0]},
            },
        }
    )


def tickets(desk: LargeDesk) -> Iterator[inputs.TicketKnown]:
    """New tickets for ever, over all rules and priorities."""
    random = Random(2)
    while True:
        yield ticket(desk, random, random.choice(list(Priority)), topic=random.randrange(len(QUEUES)))


def ticket(desk: LargeDesk, random: Random, priority: Priority, *, topic: int) -> inputs.TicketKnown:
    """A new ticket about a topic, by which rules tell it."""
    return inputs.TicketKnown(
        ticket_id=uuid7(int(desk.now.timestamp() * 1000), random.randbytes(10)),
        facts=Facts(
            channel="mail",
            channel_kind=ChannelKind.EMAIL,
            priority=priority,
            labels={"topic": str(topic)},
            language="en",
            customer_tier="standard",
            customer_language=None,
            organisation_id=None,
        ),
        status=TicketStatus.NEW,
    )


def build(agents: int, items: int) -> tuple[LargeDesk, Iterator[inputs.TicketKnown]]:
    """Everybody is at work, and so many items wait."""
    start = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    state = RoutingState(WORKSPACE, to_configuration(0, RouterPart()))
    desk = LargeDesk(state, start)
    desk.feed(inputs.Configure(configuration=to_configuration(1, part(agents))))
    for agent_id in sorted(state.agents):
        desk.feed(inputs.SetAgentState(agent_id=agent_id, state=AgentState.AVAILABLE, reason=None))
    coming = tickets(desk)
    waiting = 0
    while waiting < items:
        for ticket in islice(coming, min(items, 10_000)):
            desk.feed(ticket)
        waiting = sum(item.state is WorkState.QUEUED for item in state.items.values())
        told(f"{waiting:,} wait")
    return desk, coming


def decide(
    desk: LargeDesk, coming: Iterator[inputs.TicketKnown], decisions: int
) -> tuple[list[float], list[float]]:
    """Seconds of each: a ticket is solved and its agent gets the next one; a ticket comes in and waits."""
    held = [item.ticket_id for item in desk.state.items.values() if item.state is WorkState.ASSIGNED]
    Random(3).shuffle(held)
    given: list[float] = []
    queued: list[float] = []
    for ticket_id in held[:decisions]:
        given.append(desk.feed(inputs.TicketStatusSet(ticket_id=ticket_id, status=TicketStatus.SOLVED)))
        queued.append(desk.feed(next(coming)))
    return given, queued


async def store(desk: LargeDesk, agents: int, url: str) -> float:
    """Puts the whole state into rows and reads it back; seconds that the latter took."""
    opened = open_engine(url, name="bench", pool_size=2)
    database = Database(opened, shards=SHARDS, relaying=RelaySignal())
    rows = PostgresRoutingRows()
    state = desk.state
    everything = Touched(agents=set(state.agents), tickets=set(state.tickets), items=dict(state.items))
    try:
        await database.transact(
            lambda tx: rows.save_configuration(tx, WORKSPACE, 1, part(agents), "bench"), workspaces=[WORKSPACE]
        )
        for portion in _portions(everything):
            state.touched = portion
            await database.transact(lambda tx: rows.save(tx, [state], [], []), workspaces=[WORKSPACE])
        told("stored")
        began = perf_counter()

        async def load(tx: Tx) -> list[RoutingState]:
            return await rows.load(tx, [WORKSPACE], desk.now)

        (again,) = await database.transact(load, workspaces=[WORKSPACE])
        took = perf_counter() - began
        assert again.items.keys() == state.items.keys()
        assert {name: one.used for name, one in again.agents.items()} == {
            name: one.used for name, one in state.agents.items()
        }
        return took
    finally:
        await opened.dispose()


def _portions(everything: Touched) -> Iterator[Touched]:
    yield Touched(agents=everything.agents)
    ids: list[UUID] = sorted(everything.tickets)
    for at in range(0, len(ids), PORTION):
        yield Touched(tickets=set(ids[at : at + PORTION]))
    items = sorted(everything.items.items())
    for at in range(0, len(items), PORTION):
        yield Touched(items=dict(items[at : at + PORTION]))


def resident() -> int:
    """Bytes of memory that this process holds."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def told(text: str) -> None:
    """Says what goes on to whoever started this."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress, for a person


def main(agents: int, items: int, decisions: int, url: str | None) -> dict[str, object]:
    """Everything that is measured of one desk."""
    calm_collector()
    before = resident()
    began = perf_counter()
    desk, coming = build(agents, items)
    built = perf_counter() - began
    after = resident()
    given, queued = decide(desk, coming, decisions)
    found: dict[str, object] = {
        "given": given,
        "queued": queued,
        "bytes": after - before,
        "built_s": built,
        "inputs": desk.count,
    }
    if url is not None:
        # A process that takes over has none of this: its collector does not walk through it.
        gc.freeze()
        found["loaded_s"] = asyncio.run(store(desk, agents, url))
    return found


def _arguments(words: Sequence[str]) -> tuple[int, int, int, str | None]:
    return int(words[0]), int(words[1]), int(words[2]), words[3] if len(words) > 3 else None


if __name__ == "__main__":
    print(json.dumps(main(*_arguments(sys.argv[1:]))))  # noqa: T201 - its result
