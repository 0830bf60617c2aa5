"""A workspace with a channel of every provider, and the providers that call it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.intake.adapters.hooks.requests import HookRequest
from tests.clients import client
from tests.eventually import eventually
from tests.system import System
from tests.unit.intake.adapters.hooks import signing

Json = dict[str, Any]

ACCOUNT, TEAM, NUMBER_ID = "AC1", "T1", "106540352242922"
VERIFY_TOKEN = "a-verify-token"


@dataclass
class Vendors:
    """Calls as the vendors make them, signed with their secrets; and what the staff sees of it."""

    system: System
    workspace_id: str
    http: httpx.AsyncClient
    anybody: httpx.AsyncClient
    _count: int = field(default=0)

    @classmethod
    async def open(cls, system: System, workspace_id: str) -> "Vendors":
        http = await system.http("intake", workspace_id)
        anybody = await system._clients.enter_async_context(client(system.url("intake")))
        made = cls(system, workspace_id, http, anybody)
        await made.configure()
        return made

    async def configure(self, **secrets: Sequence[str]) -> None:
        """With a channel of each provider, named after it. Secrets by name, with underscores."""

        def provider(name: str, secret: str, **more: object) -> Json:
            return {"name": name, "secrets": secrets.get(name.replace("-", "_"), [secret]), **more}

        twilio = {"account_sid": ACCOUNT, "number": "+15550100"}
        meta = {"phone_number_id": NUMBER_ID, "access_token": "t", "verify_token": VERIFY_TOKEN}
        channels = [
            self._channel("sms", "sms", provider("twilio-sms", signing.TWILIO, **twilio)),
            self._channel("whats", "whatsapp", provider("whatsapp", signing.META, **meta)),
            self._channel("whats-twilio", "whatsapp", provider("twilio-sms", signing.TWILIO, **twilio)),
            self._channel("phone", "voice", provider("twilio-voice", signing.TWILIO, **twilio)),
            self._channel("slack", "slack", provider("slack", signing.SLACK, team_id=TEAM, bot_token="xoxb")),
            self._channel("any", "sms", provider("standard-webhook", signing.STANDARD), region="GB"),
            self._channel("lines", "voice", provider("standard-webhook", signing.STANDARD), region="DE"),
            {
                "id": "mail",
                "kind": "email",
                "address": self.mail,
                "providers": [
                    provider("sendgrid", signing.SENDGRID),
                    provider("mailgun", signing.MAILGUN),
                    provider("postmark", signing.POSTMARK),
                ],
            },
            {"id": "bare", "kind": "sms", "address": self.address("bare")},
        ]
        answer = await self.http.put("/v1/configuration", json={"channels": channels}, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text

    async def configure_more(self, **parts: object) -> None:
        """Adds parts to the configuration."""
        held = (await self.http.get("/v1/configuration")).json()["configuration"]
        answer = await self.http.put("/v1/configuration", json={**held, **parts}, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text

    def _channel(self, name: str, kind: str, provider: Json, **more: object) -> Json:
        return {"id": name, "kind": kind, "address": self.address(name), "providers": [provider], **more}

    def address(self, channel: str) -> str:
        return f"{self.workspace_id}-{channel}"

    @property
    def mail(self) -> str:
        return f"support@{self.workspace_id}.example"

    def path(self, channel: str, provider: str) -> str:
        return f"/v1/hooks/{self.mail if channel == 'mail' else self.address(channel)}/{provider}"

    # Signed calls. Slack, Standard Webhooks and SendGrid sign the time.

    def twilio(self, fields: dict[str, str], channel: str = "sms", provider: str = "twilio-sms") -> HookRequest:
        base = self.system.url("intake")
        return signing.twilio_call({"AccountSid": ACCOUNT, **fields}, path=self.path(channel, provider), base=base)

    def meta(self, body: bytes) -> HookRequest:
        return signing.meta_call(body, path=self.path("whats", "whatsapp"))

    def slack(self, body: bytes) -> HookRequest:
        return signing.slack_call(body, at=int(time.time()), path=self.path("slack", "slack"))

    def standard(self, body: bytes, name: str = "msg_1", channel: str = "any") -> HookRequest:
        path = self.path(channel, "standard-webhook")
        return signing.standard_call(body, name=name, at=int(time.time()), path=path)

    def standard_bytes(self, body: bytes) -> HookRequest:
        """Of what is no text, which the library does not sign."""
        call = signing.standard_call(b"", at=int(time.time()), path=self.path("any", "standard-webhook"))
        return signing.with_standard_signature(call, body)

    def sendgrid(self, fields: list[tuple[str, bytes, str | None, str]]) -> HookRequest:
        body, content_type = signing.multipart(fields)
        path = self.path("mail", "sendgrid")
        return signing.sendgrid_call(body, content_type, at=int(time.time()), path=path)

    def mailgun(self, fields: dict[str, str], token: str = "a" * 50) -> HookRequest:
        signed = signing.mailgun_fields(token, at=int(time.time()))
        return signing.mailgun_call({**fields, **signed}, path=self.path("mail", "mailgun"))

    def postmark(self, payload: object) -> HookRequest:
        return signing.postmark_call(payload, path=self.path("mail", "postmark"))

    def a_text(self, **fields: str) -> dict[str, str]:
        """The fields of a new text."""
        self._count += 1
        return {
            "MessageSid": f"SM{self._count:032x}",
            "From": "+14155238886",
            "To": "+15550100",
            "Body": f"Help {self._count}",
            "NumMedia": "0",
            **fields,
        }

    async def send(self, call: HookRequest) -> httpx.Response:
        """The answer to a call."""
        query = f"?{call.query}" if call.query else ""
        return await self.anybody.request(
            call.method, f"{call.path}{query}", content=call.body, headers=list(call.headers)
        )

    async def bring(self, call: HookRequest) -> httpx.Response:
        """A call that is taken."""
        answer = await self.send(call)
        assert answer.status_code == 200, answer.text
        return answer

    # What the staff sees.

    async def tickets(self) -> list[Json]:
        answer = await self.http.get("/v1/tickets", params={"limit": 200})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def until_tickets(self, count: int) -> list[Json]:
        """The tickets, newest first, once there are so many."""

        async def probe() -> bool:
            assert len(await self.tickets()) == count
            return True

        await eventually(probe)
        return await self.tickets()

    async def messages(self, ticket: Json) -> list[Json]:
        answer = await self.http.get(f"/v1/tickets/{ticket['ticket_id']}/timeline", params={"limit": 200})
        assert answer.status_code == 200, answer.text
        return [entry["message"] for entry in answer.json()["items"] if entry["message"]]

    async def until_messages(self, count: int) -> list[Json]:
        """The messages of the only ticket, once there are so many."""

        async def probe() -> list[Json]:
            tickets = await self.tickets()
            assert len(tickets) == 1
            found = await self.messages(tickets[0])
            assert len(found) == count
            return found

        return list(await eventually(probe))

    async def until_message(self) -> Json:
        """The only message of the only ticket."""
        (ticket,) = await self.until_tickets(1)
        (message,) = await self.messages(ticket)
        return message

    async def quarantine(self) -> list[Json]:
        answer = await self.http.get("/v1/quarantine")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def until_quarantined(self, count: int = 1) -> list[Json]:
        async def probe() -> list[Json]:
            found = await self.quarantine()
            assert len(found) == count
            return found

        return list(await eventually(probe))

    async def until_settled(self) -> None:
        """Until nothing waits to be read: a text sent last is received last in its channel."""
        mark = self.a_text(Body=f"mark {self._count}")
        await self.bring(self.twilio(mark))

        async def probe() -> bool:
            tickets = [ticket for ticket in await self.tickets() if ticket["channel"] == "sms"]
            found = [message["text"] for ticket in tickets for message in await self.messages(ticket)]
            return mark["Body"] in found

        await eventually(probe)
