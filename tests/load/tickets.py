"""Tickets per second through one router process, beside two simpler programs over the same records."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from statistics import mean
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.processes import Command, spawn
from shared.clock import SystemClock
from shared.events.catalog import SHARDS, shard_of
from shared.events.codec import encode
from shared.events.envelope import Cause, Event, new_event
from shared.events.tickets import CustomerFacts, TicketFacts, TicketOpenedV1
from shared.ids import SystemIds
from shared.kafka.client import Outgoing, Producer
from shared.vocabulary import ActorKind, ChannelKind, Priority
from tests.load.figures import Effort, Figure, Say, Section
from tests.load.workbench import ROOT, WORKSPACES, Process, Workbench, workbench

PREFIX = "waypost"
BARE = ("bare-in", "bare-out")
"""The topics of the bare loop."""
HANDLED = ("handled-in", "handled-out")
"""The topics of the handler with one transaction a message."""
AGENTS = tuple(f"agent-{number}" for number in range(8))
ROUTING: dict[str, Any] = {
    "queues": [{"id": "default", "offer_timeout": "1d"}],
    "agents": [{"id": name, "capacity": 10_000, "limits": {"api": {"cost": 1, "most": 1000}}} for name in AGENTS],
}
QUIET_S = 60
"""How long nothing may arrive before the measurement is given up."""


async def measure(effort: Effort, say: Say) -> Section:
    """Bare, router, bare, router, and so on, one at a time; bare comes first and last."""
    count = effort.of(24_000, 4_800)
    bare: list[float] = []
    routed: list[float] = []
    handled: list[float] = []
    spread: list[int] = []
    size = 0
    async with workbench(say) as bench:
        router = await bench.service("router")
        await router.start()
        await _make_topics(bench, *BARE, *HANDLED)
        own = await asyncio.to_thread(bench.stack.postgres.create_database, "router", prefix="handler_")
        producer = Producer(bench.bootstrap, topic_prefix=PREFIX)
        try:
            async with (
                _loop(bench, "bare_loop", BARE),
                _loop(bench, "handler_loop", HANDLED, own.owner_url),
            ):
                for number in range(effort.rounds):
                    batches, size = _records(number, count)
                    spread.append(len(batches))
                    bare.append(await _stretch(bench, producer, batches, *BARE, None))
                    await _configure(router, number)
                    routed.append(
                        await _stretch(bench, producer, batches, "tickets", "routing", b"waypost.work.offered.v1")
                    )
                    few, _ = _records(number, count // 12)
                    handled.append(await _stretch(bench, producer, few, *HANDLED, None))
                    say(f"round {number + 1} of {effort.rounds}: bare {bare[-1]:.0f}/s, router {routed[-1]:.0f}/s")
                batches, size = _records(effort.rounds, count)
                bare.append(await _stretch(bench, producer, batches, *BARE, None))
        finally:
            await producer.close()
            await router.stop()
    around = [mean(pair) for pair in pairwise(bare)]
    return Section(
        "Tickets through one router process",
        [
            f"{count:,} `ticket.opened` records a round, {size} bytes each, in {WORKSPACES} workspaces over "
            f"{min(spread)} to {max(spread)} of {SHARDS} partitions, published as fast as the broker takes "
            "them while the router waits for them; "
            f"{len(AGENTS)} available agents a workspace, each of whom could take all. Every ticket is queued and "
            "offered to an agent; decisions, state and events are committed to PostgreSQL and published to Kafka.",
            "Measured by the records' own timestamps, from the first ticket to the last offer on its topic.",
            "Beside it, before and after each round, a bare aiokafka loop in one process that reads the same "
            "records and produces each, unchanged, to another topic (acks=all, idempotent, a batch of up to 500 "
            "acknowledged before the next), measured alike; the ratio is to the mean of the two.",
            f"And a handler that gives each record a PostgreSQL transaction of its own, with two statements, and "
            f"produces it then: {count // 12:,} records after each round.",
        ],
        [
            Figure("tickets", "/s", routed),
            Figure("bare loop", "/s", bare),
            Figure(
                "tickets, of the bare loop",
                "%",
                [100 * rate / beside for rate, beside in zip(routed, around, strict=True)],
            ),
            Figure("a transaction a message", "/s", handled),
            Figure(
                "tickets, of that",
                "times",
                [rate / beside for rate, beside in zip(routed, handled, strict=True)],
            ),
        ],
    )


def _records(number: int, count: int) -> tuple[dict[int, list[Outgoing]], int]:
    """New tickets by partition, in workspaces that only this round uses; the size of a record."""
    ids = SystemIds()
    batches: dict[int, list[Outgoing]] = {}
    value = b""
    for turn in range(count):
        workspace_id = _workspace(number, turn % WORKSPACES)
        event = _opened(ids, workspace_id, turn)
        value = encode(event)
        headers = [("subject", event.subject.encode()), ("sequence", b"1")]
        record = Outgoing(key=workspace_id.encode(), value=value, headers=headers)
        batches.setdefault(shard_of(workspace_id), []).append(record)
    return batches, len(value)


def _opened(ids: SystemIds, workspace_id: str, number: int) -> Event:
    now = SystemClock().now()
    facts = TicketFacts(
        channel="api",
        channel_kind=ChannelKind.API,
        customer=CustomerFacts(customer_id=ids.new(), tier="standard"),
        labels={"topic": "printers"},
        priority=Priority.NORMAL,
    )
    return new_event(
        TicketOpenedV1(
            ticket_id=ids.new(), ticket_number=number + 1, facts=facts, opened_by=ActorKind.API, received_at=now
        ),
        event_id=ids.new(),
        service="intake",
        workspace_id=workspace_id,
        sequence=1,
        time=now,
        cause=Cause(),
    )


def _workspace(number: int, turn: int) -> str:
    return f"round-{number}-{turn:02}"


async def _configure(router: Process, number: int) -> None:
    for turn in range(WORKSPACES):
        async with router.http(_workspace(number, turn)) as http:
            answer = await http.put("/v1/configuration", json=ROUTING, headers={"If-Match": "*"})
            answer.raise_for_status()
            for name in AGENTS:
                answer = await http.put(f"/v1/agents/{name}/state", json={"state": "available"})
                answer.raise_for_status()


async def _stretch(
    bench: Workbench,
    producer: Producer,
    batches: dict[int, list[Outgoing]],
    source: str,
    target: str,
    kind: bytes | None,
) -> float:
    """Publishes these records; how many of them a second went from the first in to the last out."""
    count = sum(map(len, batches.values()))
    reader = AIOKafkaConsumer(bootstrap_servers=bench.bootstrap, enable_auto_commit=False)
    await reader.start()
    try:
        sources, targets = _places(source), _places(target)
        reader.assign([*sources, *targets])
        for place, offset in (await reader.end_offsets([*sources, *targets])).items():
            reader.seek(place, offset)
        reader.pause(*sources)
        await asyncio.gather(
            *(producer.publish(source, partition, records) for partition, records in batches.items())
        )
        ended_ms, seen = 0, 0
        while seen < count:
            records = await _next(reader)
            found = [record.timestamp for record in records if kind is None or kind in record.value]
            seen += len(found)
            ended_ms = max([ended_ms, *found])
        reader.resume(*sources)
        reader.pause(*targets)
        began_ms, seen = ended_ms, 0
        while seen < count:
            records = await _next(reader)
            seen += len(records)
            began_ms = min([began_ms, *(record.timestamp for record in records)])
    finally:
        await reader.stop()
    return 1000 * count / (ended_ms - began_ms)


async def _next(reader: Any) -> Sequence[Any]:
    batches = await reader.getmany(timeout_ms=1000 * QUIET_S, max_records=5000)
    assert batches, f"no record for {QUIET_S} s"
    return [record for records in batches.values() for record in records]


def _places(topic: str) -> list[TopicPartition]:
    return [TopicPartition(f"{PREFIX}.{topic}", number) for number in range(SHARDS)]


async def _make_topics(bench: Workbench, *names: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(f"{PREFIX}.{name}", SHARDS, 1) for name in names])
    finally:
        await admin.close()


@asynccontextmanager
async def _loop(bench: Workbench, module: str, topics: tuple[str, str], *arguments: str) -> AsyncIterator[None]:
    """One of the programs beside, as a process of its own."""
    names = [f"{PREFIX}.{name}" for name in topics]
    argv = [sys.executable, "-m", f"tests.load.{module}", bench.bootstrap, *names, *arguments]
    child = await asyncio.to_thread(spawn, Command(argv, cwd=ROOT), output=subprocess.PIPE)
    try:
        assert child.output is not None
        said = await asyncio.to_thread(child.output.readline)
        assert said == b"ready\n", f"{module} did not start: {said!r}"
        yield
    finally:
        await asyncio.to_thread(child.stop, signal.SIGKILL, within_s=10)
