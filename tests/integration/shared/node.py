"""A process of a service that does nothing but note which events it has applied: the shared parts at work."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid5

from sqlalchemy import text

from shared.db.engine import open_engine
from shared.db.relay import Relay
from shared.db.shards import Leases, Shard
from shared.db.unit_of_work import Database, Tx
from shared.db.workspaces import SeenWorkspaces
from shared.errors import DomainError
from shared.events.catalog import TICKETS
from shared.events.contract import Contract
from shared.events.envelope import Cause, Event, new_event
from shared.events.tickets import TicketStatusChangedV1
from shared.kafka.client import Producer, Reader
from shared.kafka.consumer import Consumer, Fuse, ParkedWatch
from shared.kafka.inbox import Inboxes
from shared.telemetry.metrics import Metrics
from shared.vocabulary import ActorKind, TicketStatus
from shared.wakeups import RelaySignal

NAMESPACE = UUID("01890000-0000-7000-8000-000000000000")
_NOTE = text(
    "INSERT INTO note (workspace_id, subject, sequence, holder, cause, data)"
    " VALUES (:workspace_id, :subject, :sequence, :holder, :cause, CAST(:data AS jsonb))"
)


def an_event(workspace_id: str, ticket: str, sequence: int, *, cause: str = "agent") -> Event:
    """A status change of a ticket; the ticket's id follows from its name."""
    ticket_id = uuid5(NAMESPACE, ticket)
    return new_event(
        TicketStatusChangedV1(
            ticket_id=ticket_id,
            previous=TicketStatus.OPEN,
            status=TicketStatus.PENDING,
            cause=cause,
            actor_kind=ActorKind.AGENT,
        ),
        event_id=uuid5(NAMESPACE, f"{workspace_id}/{ticket}/{sequence}"),
        service="intake",
        workspace_id=workspace_id,
        sequence=sequence,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        cause=Cause(),
    )


@dataclass
class Node:
    """One process: holds shards, relays its outbox, consumes `tickets`."""

    holder: str
    database: Database
    leases: Leases
    fuse: Fuse
    consumer: Consumer
    relay: Relay
    inboxes: Inboxes
    refuses: set[tuple[str, int]] = field(default_factory=set)
    """(subject, sequence) of events that break a rule of this service."""
    refusal: Exception = field(default_factory=lambda: DomainError("refused by the test"))
    before_commit: Callable[[], Awaitable[None]] | None = None
    halting: asyncio.Event = field(default_factory=asyncio.Event)

    async def apply(self, tx: Tx, events: Sequence[Event]) -> None:
        for event in events:
            if (event.subject, event.sequence) in self.refuses:
                raise self.refusal
            assert isinstance(event.data, Contract)
            await tx.execute(
                _NOTE,
                {
                    "workspace_id": event.workspace_id,
                    "subject": event.subject,
                    "sequence": event.sequence,
                    "holder": self.holder,
                    "cause": getattr(event.data, "cause", None),
                    "data": event.data.model_dump_json(),
                },
            )
        if self.before_commit and events:
            await self.before_commit()

    async def serve(self, shard: Shard) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.consumer.run(shard))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.inboxes.run(self.halting))
            group.create_task(self.relay.run(self.halting))
            group.create_task(ParkedWatch(self.database, self.leases, self.inboxes).run(self.halting))
            group.create_task(self.leases.run(self.serve, self.halting))


@dataclass
class Ground:
    """A database and topics, and the processes that tests start on them."""

    url: str
    owner_url: str
    bootstrap: str
    prefix: str
    database: Database
    producer: Producer
    stack: AsyncExitStack
    relays: list[RelaySignal] = field(default_factory=list)
    """Those of the nodes: woken as by a process's own commits, where they would look every second."""

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, owner_url: str, bootstrap: str, prefix: str) -> AsyncIterator["Ground"]:
        async with AsyncExitStack() as stack:
            engine = open_engine(url, name="tests", pool_size=5)
            stack.push_async_callback(engine.dispose)
            producer = Producer(bootstrap, topic_prefix=prefix)
            stack.push_async_callback(producer.close)
            database = Database(engine, shards=12, relaying=RelaySignal())
            yield cls(url, owner_url, bootstrap, prefix, database, producer, stack)

    @asynccontextmanager
    async def node(self, holder: str = "node-1", *, fuse_limit: int = 20) -> AsyncIterator[Node]:
        """A running process, stopped in order at the end."""
        engine = open_engine(self.url, name=holder, pool_size=8)
        producer = Producer(self.bootstrap, topic_prefix=self.prefix)
        metrics = Metrics("kernel")
        relaying = RelaySignal()
        self.relays.append(relaying)
        database = Database(engine, shards=12, relaying=relaying)
        leases = Leases(database, holder=holder, owner_url=f"http://{holder}")
        await leases.prepare()

        def reader() -> Reader:
            return Reader(self.bootstrap, topics=[TICKETS], topic_prefix=self.prefix, group="kernel")

        inboxes = Inboxes(reader, [TICKETS], metrics)
        fuse = Fuse(fuse_limit)

        async def apply(tx: Tx, events: Sequence[Event]) -> None:
            await node.apply(tx, events)

        node = Node(
            holder=holder,
            database=database,
            leases=leases,
            fuse=fuse,
            consumer=Consumer(database, inboxes, apply, seen=SeenWorkspaces(12), fuse=fuse, metrics=metrics),
            relay=Relay(database, leases, producer, relaying, metrics),
            inboxes=inboxes,
        )
        task = asyncio.create_task(node.run())
        try:
            yield node
        finally:
            node.halting.set()
            await asyncio.wait([task], timeout=15)
            task.cancel()
            await producer.close()
            await engine.dispose()
        if not task.cancelled():
            task.result()

    async def emit(self, *events: Event) -> None:
        """Commits events to the outbox, as a service does."""

        async def unit(tx: Tx) -> None:
            tx.emit(events)

        await self.database.transact(unit, workspaces={event.workspace_id for event in events})
        for relay in self.relays:
            relay.bell.ring()

    async def notes(self, *workspaces: str) -> list[tuple[str, int]]:
        """(subject, sequence) of what was applied, by subject."""

        async def unit(tx: Tx) -> list[tuple[str, int]]:
            rows = await tx.execute(text("SELECT subject, sequence FROM note ORDER BY subject, sequence"))
            return [(row.subject, row.sequence) for row in rows]

        return await self.database.transact(unit, workspaces=workspaces)

    async def count(self, table: str) -> int:
        """Rows of a claim table, over all shards."""

        async def unit(tx: Tx) -> int:
            return int((await tx.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())

        return await self.database.transact(unit, claims=range(12))
