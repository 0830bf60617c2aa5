"""A telephone system: what it reports about its calls, and what becomes of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from shared.db.unit_of_work import Tx
from shared.events.tickets import CallEndedV1
from tests.eventually import eventually
from tests.integration.intake.office import Json, Office

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CALLER = "+4930123456"
CHANNELS = [
    {"id": "hotline", "kind": "voice", "region": "DE"},
    {"id": "shop", "kind": "voice"},
    {"id": "api", "kind": "api"},
]


def call(*steps: str, call_id: str = "c-1", caller: str | None = CALLER, **more: Json) -> list[Json]:
    """The events of a call, each as `kind@seconds`; the first one says who calls.

    more: what else the events of a kind tell, such as `answered={"agent": "ada"}`
    """
    events = []
    for seq, step in enumerate(steps):
        kind, _, seconds = step.partition("@")
        at = (START + timedelta(seconds=float(seconds))).isoformat()
        data: Json = {"call_id": call_id, "seq": seq, "at": at, **more.get(kind, {})}
        if seq == 0 and caller is not None:
            data["from"] = caller
        events.append({"type": f"call.{kind}", "data": data})
    return events


_WAITING = text("SELECT count(*) FROM call WHERE workspace_id = :workspace_id AND settles_at IS NOT NULL")
_MEDIA = text("SELECT url, media_type, filename FROM media_fetch WHERE workspace_id = :workspace_id")
_PERSONAL = text(
    "SELECT caller, name, called, recording_url, transcript FROM call_event WHERE workspace_id = :workspace_id"
)

ANSWERED = ("ringing@0", "queued@3", "answered@20", "held@40", "resumed@50", "ended@90", "wrapped_up@120")
ABANDONED = ("ringing@0", "queued@3", "ended@40")
SHORT = ("ringing@0", "queued@1", "ended@3")
MISSED = ("ringing@0", "ended@25")


@dataclass
class Switchboard:
    """Reports to one workspace."""

    office: Office

    @classmethod
    async def open(cls, office: Office) -> "Switchboard":
        await office.configure(channels=CHANNELS)
        return cls(office)

    @property
    def http(self) -> httpx.AsyncClient:
        return self.office.http

    async def report(self, events: Iterable[Json], channel: str = "hotline") -> list[Json]:
        """What became of each event."""
        body = list(events)

        async def post() -> httpx.Response:
            answer = await self.http.post(f"/v1/channels/{channel}/call-events", json=body)
            # Whoever finds the same call at work for too long comes again.
            assert answer.status_code != 409, answer.text
            return answer

        answer = await eventually(post, within_s=30)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def tickets(self, **params: Any) -> list[Json]:
        """All tickets, the oldest first."""
        answer = await self.http.get("/v1/tickets", params={"limit": 200, **params})
        assert answer.status_code == 200, answer.text
        return list(reversed(answer.json()["items"]))

    async def ticket(self) -> Json:
        """The only one."""
        tickets = await self.tickets()
        assert len(tickets) == 1, tickets
        return dict(tickets[0])

    async def calls(self, ticket_id: str) -> list[Json]:
        """The calls of a ticket, the newest first."""
        answer = await self.http.get(f"/v1/tickets/{ticket_id}/calls")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def ends(self, ticket_id: str) -> list[CallEndedV1]:
        """What was told about the ends of the ticket's calls."""
        events = await self.office.everything_told()
        return [
            event.data
            for event in events
            if event.subject == f"ticket/{ticket_id}" and isinstance(event.data, CallEndedV1)
        ]

    async def settle(self) -> None:
        """Lets the time pass in which late events are waited for."""
        await self.office.system.travel(timedelta(seconds=11))

    async def is_settled(self) -> bool:
        """Whether no call of this workspace waits for what comes late."""
        parameters = {"workspace_id": self.office.workspace_id}

        async def unit(tx: Tx) -> bool:
            return not (await tx.execute(_WAITING, parameters)).scalar_one()

        database = self.office.system.services["intake"].runtime.database
        return await database.transact(unit, workspaces=[self.office.workspace_id])

    async def told_of_calls(self) -> set[str | None]:
        """What is kept of persons in what was told about calls."""
        parameters = {"workspace_id": self.office.workspace_id}

        async def unit(tx: Tx) -> set[str | None]:
            return {value for row in await tx.execute(_PERSONAL, parameters) for value in row}

        database = self.office.system.services["intake"].runtime.database
        return await database.transact(unit, workspaces=[self.office.workspace_id])

    async def waiting_media(self) -> list[tuple[str, str, str]]:
        """Address, media type and name of the files that wait to be fetched."""
        parameters = {"workspace_id": self.office.workspace_id}

        async def unit(tx: Tx) -> list[tuple[str, str, str]]:
            return [(row.url, row.media_type, row.filename) for row in await tx.execute(_MEDIA, parameters)]

        database = self.office.system.services["intake"].runtime.database
        return await database.transact(unit, workspaces=[self.office.workspace_id])

    async def until(self, **fields: object) -> Json:
        """The only ticket, once it is like this."""

        async def probe() -> Json:
            ticket = await self.ticket()
            assert {name: ticket[name] for name in fields} == fields
            return ticket

        return dict(await eventually(probe))
