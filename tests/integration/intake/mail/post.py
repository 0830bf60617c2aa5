"""A workspace with mail channels, seen by its customers' mail servers and by its agents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiosmtplib
import httpx

from services.intake.adapters.email.assembly import MailSystem
from tests.eventually import eventually
from tests.integration.intake.mail.sink import Kept, Sink
from tests.system import System
from tests.unit.intake.mails import raw_mail

Json = dict[str, Any]


def mail_of(system: System) -> MailSystem:
    mail = system.services["intake"].app.state.mail
    assert isinstance(mail, MailSystem)
    return mail


@dataclass
class Post:
    """One workspace. Each has a domain of its own, as addresses are global; so has its customer."""

    system: System
    sink: Sink
    workspace_id: str
    http: httpx.AsyncClient

    @classmethod
    async def open(cls, system: System, sink: Sink, workspace_id: str, **channel: object) -> "Post":
        """With two channels, `support` and `sales`."""
        post = cls(system, sink, workspace_id, await system.http("intake", workspace_id))
        await post.configure(
            {"id": "support", "kind": "email", "address": post.support, "name": "Acme Support", **channel},
            {"id": "sales", "kind": "email", "address": post.sales},
        )
        return post

    async def configure(self, *channels: Json) -> None:
        answer = await self.http.put(
            "/v1/configuration", json={"channels": list(channels)}, headers={"If-Match": "*"}
        )
        assert answer.status_code == 200, answer.text

    @property
    def support(self) -> str:
        return f"support@{self.workspace_id}.example"

    @property
    def sales(self) -> str:
        return f"sales@{self.workspace_id}.example"

    @property
    def ada(self) -> str:
        return f"ada@{self.workspace_id}.example.org"

    def raw(self, body: str = "Please help.", /, **headers: str) -> bytes:
        """A mail of Ada's, the same each time unless the headers say otherwise."""
        own = {"From": f"Ada Lovelace <{self.ada}>", "To": self.support, "Message_ID": f"<1@{self.workspace_id}>"}
        return raw_mail(body, **{**own, **headers})

    async def smtp(self, raw: bytes, *recipients: str, sender: str | None = None, port: int | None = None) -> None:
        """Brings a mail as a server would. Raises aiosmtplib's errors."""
        server = port or mail_of(self.system).listeners.ports["smtp"]
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=server, local_hostname="tests") as client:
            await client.sendmail(self.ada if sender is None else sender, list(recipients or (self.support,)), raw)

    async def post(self, raw: bytes, channel: str = "support", **params: Any) -> Json:
        """Brings a mail over HTTP; the receipt."""
        answer = await self.try_post(raw, channel, **params)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    async def try_post(self, raw: bytes, channel: str = "support", **params: Any) -> httpx.Response:
        return await self.http.post(
            f"/v1/channels/{channel}/email",
            content=raw,
            params=params,
            headers={"Content-Type": "message/rfc822"},
        )

    async def tickets(self) -> list[Json]:
        answer = await self.http.get("/v1/tickets", params={"limit": 200})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def until_tickets(self, count: int, *, within_s: float = 10) -> list[Json]:
        """The tickets, newest first, once there are so many."""

        async def probe() -> list[Json]:
            found = await self.tickets()
            assert len(found) == count
            return found

        return list(await eventually(probe, within_s=within_s))

    async def ticket(self, ticket_id: str) -> Json:
        answer = await self.http.get(f"/v1/tickets/{ticket_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def messages(self, ticket_id: str) -> list[Json]:
        """The messages of a ticket, in order."""
        return [entry["message"] for entry in await self._timeline(ticket_id) if entry["message"]]

    async def events(self, ticket_id: str) -> list[Json]:
        """What else its timeline shows."""
        return [entry["event"] for entry in await self._timeline(ticket_id) if entry["event"]]

    async def _timeline(self, ticket_id: str) -> list[Json]:
        answer = await self.http.get(f"/v1/tickets/{ticket_id}/timeline", params={"limit": 200})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def until_messages(self, ticket_id: str, count: int) -> list[Json]:
        async def probe() -> list[Json]:
            found = await self.messages(ticket_id)
            assert len(found) == count
            return found

        return list(await eventually(probe))

    async def reply(self, ticket_id: str, text: str = "Please switch it on.", **fields: object) -> Json:
        answer = await self.http.post(f"/v1/tickets/{ticket_id}/replies", json={"text": text, **fields})
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["message"])

    async def until_delivery(self, ticket_id: str, message_id: str, state: str) -> Json:
        """How far a reply has got, once it has got there."""

        async def probe() -> Json:
            (message,) = [one for one in await self.messages(ticket_id) if one["message_id"] == message_id]
            assert message["delivery"]["state"] == state, message["delivery"]
            return dict(message["delivery"])

        return dict(await eventually(probe))

    async def until_sent(self, count: int = 1, to: str | None = None) -> Sequence[Kept]:
        """What reached the customer's server, once it is so much."""

        async def probe() -> list[Kept]:
            found = self.sink.kept[to or self.ada]
            assert len(found) == count
            return found

        return list(await eventually(probe))

    async def quarantine(self) -> list[Json]:
        answer = await self.http.get("/v1/quarantine")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])
