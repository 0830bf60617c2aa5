"""A supervisor's desk: one workspace of a running escalation, its neighbours' events, and what it publishes."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import text

from shared.db.unit_of_work import Tx
from shared.events.envelope import Event
from shared.events.tickets import CustomerFacts, TicketFacts, TicketOpenedV1, TicketUpdatedV1
from shared.kafka.client import Producer
from shared.vocabulary import ActorKind, ChannelKind, Priority
from tests.eventually import eventually
from tests.scribe import Scribe, publish, uid
from tests.shards import SHARDS, shard_of
from tests.system import System

Json = dict[str, Any]


class Ear:
    """Hears topic `escalations` as somebody who knows nothing of our code would."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic

    @classmethod
    @asynccontextmanager
    async def open(cls, bootstrap: str, prefix: str) -> AsyncIterator["Ear"]:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            yield cls(consumer, f"{prefix}.escalations")
        finally:
            await consumer.stop()

    async def heard(self, workspace_id: str) -> list[Json]:
        """Everything that was published of a workspace so far, as it stands in JSON.

        An event comes again where a process ended between publishing it and noting so: then it is the same one.
        """
        place = TopicPartition(self._topic, shard_of(workspace_id))
        self._consumer.assign([place])
        self._consumer.seek(place, 0)
        end = (await self._consumer.end_offsets([place]))[place]
        records: list[Any] = []
        while await self._consumer.position(place) < end:
            for batch in (await self._consumer.getmany(place, timeout_ms=500)).values():
                records.extend(batch)
        assert [record.offset for record in records] == list(range(len(records)))
        events = [json.loads(record.value) for record in records if record.key.decode() == workspace_id]
        return list({event["id"]: event for event in events}.values())


@dataclass
class Desk:
    """One workspace. Times are given in seconds from now, of the service's clock."""

    system: System
    producer: Producer
    ear: Ear
    workspace_id: str
    http: httpx.AsyncClient
    scribe: Scribe
    published: int = field(default=0)

    @classmethod
    async def open(cls, system: System, producer: Producer, ear: Ear, workspace_id: str) -> "Desk":
        http = await system.http("escalation", workspace_id)
        return cls(system, producer, ear, workspace_id, http, Scribe(workspace_id))

    def now(self, seconds: float = 0) -> datetime:
        return self.system.services["escalation"].runtime.clock.now() + timedelta(seconds=seconds)

    async def configure(self, **part: object) -> Json:
        """Applies a configuration. A day passes, so that what happened hours ago happened under it."""
        answer = await self.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        await self.system.travel(timedelta(days=1))
        return dict(answer.json())

    async def promise(self, *targets: Json, **part: object) -> None:
        """One SLA policy for every ticket."""
        await self.configure(sla_policies=[{"id": "standard", "targets": list(targets)}], **part)

    def opened(
        self, ticket: str, seconds: float = 0, *, priority: str = "normal", tier: str = "standard"
    ) -> Event:
        return self.scribe.tell(
            TicketOpenedV1(
                ticket_id=uid(self.named(ticket)),
                ticket_number=len(self.scribe.events) + 1,
                facts=some_facts(priority),
                opened_by=ActorKind.CUSTOMER,
                received_at=self.now(seconds),
            ),
            self.now(seconds),
        )

    def updated(
        self, ticket: str, seconds: float = 0, *, priority: str = "normal", tier: str = "standard"
    ) -> Event:
        return self.scribe.tell(
            TicketUpdatedV1(
                ticket_id=uid(self.named(ticket)),
                facts=some_facts(priority),
                changed=("priority",),
                actor_kind=ActorKind.AGENT,
            ),
            self.now(seconds),
        )

    async def warm_up(self) -> None:
        """Returns once events arrive: the first ones of a system take longer."""
        self.opened("warm-up")
        await self.tell()
        await eventually(lambda: self.is_known("warm-up"))

    def named(self, ticket: str) -> str:
        """A ticket's name, of this workspace only."""
        return f"{self.workspace_id}/{ticket}"

    async def tell(self) -> None:
        """Publishes what was written since the last time."""
        events, self.published = self.scribe.events[self.published :], len(self.scribe.events)
        await publish(self.producer, events)

    def hold_back(self, event: Event) -> Event:
        """Leaves an event that was just written out of the next telling."""
        self.scribe.events.remove(event)
        return event

    async def clocks(self, ticket: str) -> list[Json]:
        answer = await self.http.get(f"/v1/tickets/{uid(self.named(ticket))}/clocks")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def is_known(self, ticket: str) -> bool:
        """Whether the ticket has arrived."""
        return (await self.http.get(f"/v1/tickets/{uid(self.named(ticket))}/clocks")).status_code == 200

    async def clock(self, ticket: str, metric: str, **fields: object) -> Json:
        """The last clock of a metric, once it is like this."""

        async def probe() -> Json:
            found = [clock for clock in await self.clocks(ticket) if clock["metric"] == metric]
            assert found, f"no clock of {metric}"
            assert {name: found[-1][name] for name in fields} == fields
            return found[-1]

        return dict(await eventually(probe))

    async def heard(self, ticket: str | None = None) -> list[Json]:
        """What was published about one ticket, or about all of them."""
        wanted = str(uid(self.named(ticket))) if ticket else None
        return [
            event
            for event in await self.ear.heard(self.workspace_id)
            if wanted in (None, event["data"]["ticket_id"])
        ]

    async def hears(self, ticket: str, *types: str) -> list[Json]:
        """What was published about a ticket, once it is this and nothing else."""

        async def probe() -> list[Json]:
            events = await self.heard(ticket)
            told = [short(event) for event in events]
            assert told == list(types), f"{told} instead of {types}"
            return events

        events = list(await eventually(probe))
        check_sequences(events)
        return events

    async def escalations(self, **params: str) -> list[Json]:
        answer = await self.http.get("/v1/escalations", params=params)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def notifications(self, **params: str) -> list[Json]:
        answer = await self.http.get("/v1/notifications", params=params)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def rows(self, statement: str, **parameters: object) -> Sequence[Any]:
        """Rows of the service's database."""

        async def unit(tx: Tx) -> Sequence[Any]:
            return (await tx.execute(text(statement), parameters)).all()

        database = self.system.services["escalation"].runtime.database
        return await database.transact(unit, workspaces=[self.workspace_id], claims=range(SHARDS))


def some_facts(priority: str) -> TicketFacts:
    return TicketFacts(
        channel="email",
        channel_kind=ChannelKind.EMAIL,
        customer=CustomerFacts(customer_id=uid("customer"), tier="standard"),
        labels={},
        priority=Priority(priority),
    )


def short(event: Json) -> str:
    """`sla.met` of `waypost.sla.met.v1`."""
    return str(event["type"]).removeprefix("waypost.").rpartition(".")[0]


def check_sequences(events: Sequence[Json]) -> None:
    """Contiguous from 1 within each subject, and times that never go back."""
    for subject in {event["subject"] for event in events}:
        mine = [event for event in events if event["subject"] == subject]
        assert [event["sequence"] for event in mine] == list(range(1, len(mine) + 1))
        assert [event["time"] for event in mine] == sorted(event["time"] for event in mine)


def target(metric: str, within: str, **more: object) -> Json:
    return {"metric": metric, "within": within, "warn_at_percent": [], **more}
