"""A support office: one workspace of a running intake, its agents' tools, and what it publishes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import httpx

from shared.events.catalog import TOPICS
from shared.events.codec import decode
from shared.events.contract import Contract
from shared.events.envelope import Event
from shared.kafka.client import Producer, Reader
from tests.eventually import eventually
from tests.scribe import Scribe, publish
from tests.shards import shard_of
from tests.system import System

Json = dict[str, Any]


class Tape:
    """Reads a workspace's events from the beginning, as somebody who has lost everything would."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def events(self, workspace_id: str, topic: str = "tickets") -> list[Event]:
        place = topic, shard_of(workspace_id)
        end = (await self._reader.end_offsets([place]))[place]
        self._reader.assign({place: 0})
        events: list[Event] = []
        offset = 0
        while offset < end:
            for record in (await self._reader.fetch(wait_ms=1000, max_records=500)).get(place, []):
                offset = record.offset + 1
                events.append(decode(record.value, TOPICS[topic]))
        return [event for event in events if event.workspace_id == workspace_id]


@dataclass
class Office:
    """One workspace. `http` is a tool that may do everything."""

    system: System
    producer: Producer
    tape: Tape
    workspace_id: str
    http: httpx.AsyncClient
    scribe: Scribe
    _count: int = field(default=0)

    @classmethod
    async def open(cls, system: System, producer: Producer, tape: Tape, workspace_id: str) -> "Office":
        http = await system.http("intake", workspace_id)
        return cls(system, producer, tape, workspace_id, http, Scribe(workspace_id))

    async def tool(self, *scopes: str, subject: str = "tests") -> httpx.AsyncClient:
        """A client with just these scopes."""
        return await self.system.http("intake", self.workspace_id, *scopes, subject=subject)

    async def configure(self, **part: object) -> None:
        """Applies a part of the configuration; the channel `api` stays."""
        channels = part.pop("channels", [{"id": "api", "kind": "api"}])
        answer = await self.http.put(
            "/v1/configuration", json={"channels": channels, **part}, headers={"If-Match": "*"}
        )
        assert answer.status_code == 200, answer.text

    def message(self, **fields: object) -> Json:
        """The body of a message; each has a text of its own."""
        self._count += 1
        body: Json = {"channel": "api", "from": {"email": "ada@example.org"}, "text": f"Help {self._count}"}
        return {**body, **{"from" if name == "sender" else name: value for name, value in fields.items()}}

    async def send(self, **fields: object) -> Json:
        """Sends a message that is taken, and gives what became of it."""
        answer = await self.http.post("/v1/messages", json=self.message(**fields))
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    async def open_ticket(self, **fields: object) -> str:
        """The id of a new ticket."""
        receipt = await self.send(**fields)
        assert receipt["disposition"] == "opened"
        return str(receipt["ticket_id"])

    async def ticket(self, ticket_id: str) -> Json:
        answer = await self.http.get(f"/v1/tickets/{ticket_id}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
        return dict(answer.json())

    async def change(self, ticket_id: str, **patch: object) -> Json:
        answer = await self.http.patch(f"/v1/tickets/{ticket_id}", json=patch)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def reply(self, ticket_id: str, text: str = "It is on its way.", **fields: object) -> Json:
        answer = await self.http.post(f"/v1/tickets/{ticket_id}/replies", json={"text": text, **fields})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def timeline(self, ticket_id: str, **params: Any) -> list[Json]:
        answer = await self.http.get(f"/v1/tickets/{ticket_id}/timeline", params={"limit": 200, **params})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def everything_told(self, topic: str = "tickets") -> list[Event]:
        """All events of the workspace so far."""
        await self.system.published("intake")
        return await self.tape.events(self.workspace_id, topic)

    async def told(self, ticket_id: str, *types: str) -> list[Event]:
        """The events about a ticket, once they are these and nothing else."""

        async def probe() -> list[Event]:
            events = [
                event
                for event in await self.tape.events(self.workspace_id)
                if event.subject == f"ticket/{ticket_id}"
            ]
            assert [name_of(event) for event in events] == list(types)
            return events

        events = await eventually(probe)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert [event.time for event in events] == sorted(event.time for event in events)
        return list(events)

    async def tell(self, *events: Event) -> None:
        """Publishes events of the other services."""
        await publish(self.producer, events)

    async def tell_about(self, ticket_id: str, *events: Event) -> None:
        """Publishes events of the other services, about this ticket whichever they were written for."""
        await self.tell(*(about(event, ticket_id) for event in events))

    async def until(self, ticket_id: str, **fields: object) -> Json:
        """The ticket, once it is like this."""

        async def probe() -> Json:
            ticket = await self.ticket(ticket_id)
            assert {name: ticket[name] for name in fields} == fields
            return ticket

        return dict(await eventually(probe))


def about(event: Event, ticket_id: str) -> Event:
    assert isinstance(event.data, Contract)
    return replace(event, data=event.data.model_copy(update={"ticket_id": UUID(ticket_id)}))


def name_of(event: Event) -> str:
    assert isinstance(event.data, Contract)
    return event.data.name


def shown(entries: Sequence[Json]) -> list[str]:
    """A timeline in short: texts of messages and notes, types of events."""
    return [entry["message"]["text"] if entry["message"] else entry["event"]["type"] for entry in entries]


def slug_of(answer: httpx.Response) -> str:
    """The stable part of a problem's type."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).rpartition("/")[2]


def refused(answer: httpx.Response, status: int, slug: str) -> Mapping[str, Any]:
    """The problem that an answer is; it never repeats what was sent."""
    assert (answer.status_code, slug_of(answer)) == (status, slug), answer.text
    return dict(answer.json())
