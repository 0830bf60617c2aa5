"""Tickets for which something was promised, in one escalation process: what measurements of clocks begin with."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.clock import SystemClock
from shared.events.catalog import SHARDS, shard_of
from shared.events.codec import encode
from shared.events.envelope import Cause, Event, new_event
from shared.events.tickets import CustomerFacts, TicketFacts, TicketOpenedV1
from shared.ids import SystemIds
from shared.kafka.client import Outgoing, Producer
from shared.vocabulary import ActorKind, ChannelKind, Priority
from tests.eventually import eventually
from tests.load.workbench import Process, Workbench

PREFIX = "waypost"
_PORTION = 20_000
_IDS = SystemIds()


def opened(workspace_id: str, number: int, at: datetime, labels: Mapping[str, str] | None = None) -> Event:
    """A customer's ticket. Priorities, tiers and organisations go round. labels: besides its topic"""
    ticket_id: UUID = _IDS.new()
    facts = TicketFacts(
        channel="api",
        channel_kind=ChannelKind.API,
        customer=CustomerFacts(
            customer_id=_IDS.new(),
            tier=("standard", "gold", "vip")[number % 3],
            organisation_id=f"client-{number % 200}",
        ),
        labels={"topic": ("printers", "money", "keys")[number % 3], **(labels or {})},
        priority=tuple(Priority)[number % 4],
    )
    return new_event(
        TicketOpenedV1(
            ticket_id=ticket_id, ticket_number=number, facts=facts, opened_by=ActorKind.CUSTOMER, received_at=at
        ),
        event_id=_IDS.new(),
        service="intake",
        workspace_id=workspace_id,
        sequence=1,
        time=at,
        cause=Cause(),
    )


async def tell(producer: Producer, events: Iterable[Event]) -> None:
    """Publishes events, as intake's relay does."""
    batches: dict[int, list[Outgoing]] = {}
    for event in events:
        headers = [("subject", event.subject.encode()), ("sequence", str(event.sequence).encode())]
        record = Outgoing(key=event.workspace_id.encode(), value=encode(event), headers=headers)
        batches.setdefault(shard_of(event.workspace_id), []).append(record)
    for partition, records in batches.items():
        for start in range(0, len(records), _PORTION):
            await producer.publish("tickets", partition, records[start : start + _PORTION])


async def configure(escalation: Process, workspace_id: str, part: dict[str, Any]) -> None:
    """Applies a configuration."""
    async with escalation.http(workspace_id) as http:
        answer = await http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
        answer.raise_for_status()


async def backdate(bench: Workbench, workspace_id: str, by: timedelta) -> None:
    """What was configured has held for so much longer; before anything is opened."""
    connection = await bench.connection("escalation")
    try:
        await connection.execute("SELECT set_config('app.workspaces', $1, false)", workspace_id)
        await connection.execute("UPDATE policy_version SET since = since - $1::interval", by)
    finally:
        await connection.close()


async def counted(bench: Workbench, workspaces: Sequence[str], statement: str) -> int:
    """What a statement counts in escalation's database, of these workspaces."""
    connection = await bench.connection("escalation")
    try:
        await connection.execute("SELECT set_config('app.workspaces', $1, false)", ",".join(workspaces))
        await connection.execute("SELECT set_config('app.shards', $1, false)", ",".join(map(str, range(SHARDS))))
        return int(await connection.fetchval(statement))
    finally:
        await connection.close()


async def folded(bench: Workbench, workspaces: Sequence[str], tickets: int, *, within_s: float = 900) -> None:
    """Returns once escalation knows so many tickets."""

    async def are_there() -> bool:
        return await counted(bench, workspaces, "SELECT count(*) FROM tracked_ticket") >= tickets

    await eventually(are_there, within_s=within_s, what=f"{tickets} tickets folded")


@asynccontextmanager
async def producing(bench: Workbench) -> AsyncIterator[Producer]:
    """What publishes as intake does."""
    producer = Producer(bench.bootstrap, topic_prefix=PREFIX)
    try:
        yield producer
    finally:
        await producer.close()


def now() -> datetime:
    """The machine's clock, which is the database's too."""
    return SystemClock().now()
