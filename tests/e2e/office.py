"""A staffed workspace on all four services, as its customers, its agents and its lead see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx

from services.intake.adapters.email.assembly import MailSystem
from shared.ids import SystemIds
from tests.eventually import eventually
from tests.integration.cli.workspace import VALUES, apply, own_demo
from tests.integration.intake.mail.sink import Sink
from tests.keys import token
from tests.system import System

Json = dict[str, Any]

WITHIN_S = 30
"""For what takes milliseconds on an idle machine."""


@dataclass
class Office:
    """One workspace. `seen` is the operator's client of each service."""

    system: System
    sink: Sink
    workspace_id: str
    seen: Mapping[str, httpx.AsyncClient]

    @classmethod
    async def open(
        cls, system: System, sink: Sink, workspace_id: str, folder: Path, values: Mapping[str, str], **changes: str
    ) -> "Office":
        """As the demo's workspace, with these changes to its file."""
        environ = {
            **{f"WAYPOST_{name.upper()}_URL": system.url(name) for name in system.services},
            "WAYPOST_TOKEN": token(workspace_id),
            **VALUES,
            **values,
        }
        await apply(own_demo(folder, workspace_id, **changes), environ)
        return cls(
            system, sink, workspace_id, {name: await system.http(name, workspace_id) for name in system.services}
        )

    async def get(self, service: str, path: str) -> Json:
        return await asked(self.seen[service], "GET", path)

    async def post(self, service: str, path: str, body: Json) -> Json:
        return await asked(self.seen[service], "POST", path, body)

    async def mail(self, message: EmailMessage) -> None:
        """A customer's server brings a mail."""
        assembled = self.system.services["intake"].app.state.mail
        assert isinstance(assembled, MailSystem)
        await aiosmtplib.send(message, hostname="127.0.0.1", port=assembled.listeners.ports["smtp"])

    async def received(self, address: str, count: int = 1) -> EmailMessage:
        """The newest mail at an address, once there are so many."""
        await eventually(
            lambda: len(self.sink.kept[address]) >= count, within_s=WITHIN_S, what=f"mail to {address}"
        )
        assert len(self.sink.kept[address]) == count
        return self.sink.kept[address][-1].mail

    async def ticket(self, subject: str, **fields: object) -> Json:
        """The ticket with this subject, once it is like this."""

        async def probe() -> Json | None:
            items = (await self.get("intake", "/v1/tickets"))["items"]
            found: Json | None = next((item for item in items if item["subject"] == subject), None)
            if found is not None:
                assert {name: found[name] for name in fields} == fields, found
            return found

        found: Json | None = await eventually(probe, within_s=WITHIN_S, what=f"ticket {subject}")
        assert found
        return found

    async def events(self, ticket_id: str, last: str) -> list[str]:
        """The types of the events in a ticket's timeline, once there is this one."""

        async def probe() -> list[str] | None:
            found = (await self.get("intake", f"/v1/tickets/{ticket_id}/timeline?limit=200"))["items"]
            types = [entry["event"]["type"] for entry in found if entry["event"]]
            return types if last in types else None

        found: list[str] | None = await eventually(probe, within_s=WITHIN_S, what=last)
        assert found
        return found

    async def agent(self, slug: str) -> "Agent":
        """An agent who takes their place."""
        agent = Agent(
            slug,
            {name: await self.system.http(name, self.workspace_id, *_RIGHTS, subject=slug) for name in self.seen},
        )
        await agent.put(f"/v1/agents/{slug}/state", {"state": "available"})
        return agent


_RIGHTS = ("agents:self", "tickets:read", "tickets:write", "routing:read", "escalation:read", "escalation:write")


@dataclass
class Agent:
    """One agent, with an agent's own rights."""

    slug: str
    http: Mapping[str, httpx.AsyncClient]

    async def get(self, service: str, path: str) -> Json:
        return await asked(self.http[service], "GET", path)

    async def put(self, path: str, body: Json) -> Json:
        return await asked(self.http["router"], "PUT", path, body)

    async def post(self, service: str, path: str, body: Json | None = None) -> Json:
        return await asked(self.http[service], "POST", path, body)

    async def offered(self, ticket_id: str) -> Json:
        """The offer of this ticket, once it is there."""

        async def probe() -> Json | None:
            return next((offer for offer in await self.offers() if offer["ticket_id"] == ticket_id), None)

        what = f"{self.slug} is offered {ticket_id}"
        found: Json | None = await eventually(probe, within_s=WITHIN_S, what=what)
        assert found
        return found

    async def offers(self) -> list[Json]:
        return list((await self.get("router", f"/v1/agents/{self.slug}/offers"))["items"])

    async def works_on(self, ticket_id: str, **fields: object) -> None:
        """Returns once this ticket is in the agent's hands, like this."""

        async def probe() -> bool:
            items = (await self.get("router", f"/v1/agents/{self.slug}/work"))["items"]
            return any(item.items() >= {"ticket_id": ticket_id, **fields}.items() for item in items)

        await eventually(probe, within_s=WITHIN_S, what=f"{self.slug} works on {ticket_id}")

    async def accept(self, offer: Json) -> None:
        await self.post("router", f"/v1/offers/{offer['offer_id']}/accept")

    async def reply(self, ticket_id: str, text: str) -> Json:
        return await self.post("intake", f"/v1/tickets/{ticket_id}/replies", {"text": text})

    async def solve(self, ticket_id: str) -> None:
        await asked(self.http["intake"], "PATCH", f"/v1/tickets/{ticket_id}", {"status": "solved"})


def a_mail(sender: str, recipient: str, subject: str, text: str, **headers: str) -> EmailMessage:
    """A mail as a mail program writes it."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


async def asked(http: httpx.AsyncClient, method: str, path: str, body: Json | None = None) -> Json:
    """The answer; asked again while the service says that it cannot answer at this moment, as any client does."""
    once = {"Idempotency-Key": str(SystemIds().new())} if method == "POST" else {}

    async def probe() -> httpx.Response | None:
        answer = await http.request(method, path, json=body, headers=once)
        return None if answer.status_code == 503 else answer

    answer: httpx.Response | None = await eventually(probe, within_s=WITHIN_S, what=path)
    assert answer is not None
    assert answer.is_success, answer.text
    return dict(answer.json()) if answer.content else {}
