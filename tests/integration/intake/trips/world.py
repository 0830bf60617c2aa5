"""A workspace that can be reached in every way there is, and one customer, Ada, who uses them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import httpx

from services.intake.adapters.hooks.requests import HookRequest
from tests.clients import client
from tests.eventually import eventually
from tests.integration.intake.chat.room import KEY, ORIGIN, Page, Room
from tests.integration.intake.imap.dovecot import PASSWORD, Dovecot
from tests.integration.intake.mail.post import Json, Post
from tests.integration.intake.mail.sink import Sink
from tests.integration.intake.vendors import Vendors
from tests.system import System
from tests.unit.intake.adapters.hooks import signing

OURS, ADAS = "+15550100", "+14155238886"
"""Telephone numbers."""

WHATSAPP = "106540352242922"

_numbers = count(1)


def unique() -> int:
    """A number that names nothing else."""
    return next(_numbers)


@dataclass
class World(Post):
    """chat: Ada's page; exits: what is open until the test is over"""

    vendors: Vendors
    dovecot: Dovecot
    anybody: httpx.AsyncClient
    chat: Page | None = None
    exits: AsyncExitStack = field(default_factory=AsyncExitStack)

    @classmethod
    @asynccontextmanager
    async def open(  # type: ignore[override] # with its vendors, and closed again
        cls, system: System, sink: Sink, workspace_id: str, vendors: Vendors, dovecot: Dovecot
    ) -> AsyncIterator["World"]:
        async with AsyncExitStack() as exits, client(system.url("intake")) as anybody:
            http = await system.http("intake", workspace_id)
            world = cls(system, sink, workspace_id, http, vendors, dovecot, anybody, exits=exits)
            dovecot.add(world.mail_user)
            await world.configure(*world.channels())
            yield world

    def channels(self) -> list[Json]:
        def provider(name: str, secret: str, **more: object) -> Json:
            return {"name": name, "secrets": [secret], **more}

        twilio = {"account_sid": self.account, "number": OURS, "max_per_second": 100}
        sms = provider("twilio-sms", signing.TWILIO, **twilio)
        meta = {"phone_number_id": WHATSAPP, "access_token": "t", "verify_token": "v"}
        standard = provider("standard-webhook", signing.STANDARD, url=f"{self.vendors.url}/hook/{self.account}")
        mailbox = {"host": "127.0.0.1", "port": self.dovecot.port, "security": "none", "after": "nothing"}
        chat = {"public_key": KEY, "origins": [ORIGIN]}
        return [
            {
                "id": "mail",
                "kind": "email",
                "address": self.support,
                "providers": [
                    provider("sendgrid", signing.SENDGRID),
                    provider("mailgun", signing.MAILGUN),
                    provider("postmark", signing.POSTMARK),
                ],
                "mailboxes": [{"id": "box", "user": self.mail_user, "password": PASSWORD, **mailbox}],
            },
            self._channel("texts", "sms", sms),
            self._channel("whats", "whatsapp", provider("whatsapp", signing.META, **meta)),
            self._channel("whats-twilio", "whatsapp", sms),
            self._channel("slack", "slack", provider("slack", signing.SLACK, team_id="T1", bot_token="xoxb")),
            self._channel("other", "api", standard),
            self._channel("phone", "voice", provider("twilio-voice", signing.TWILIO, **twilio), standard),
            {**self._channel("web", "chat"), "chat": chat},
        ]

    def _channel(self, name: str, kind: str, *providers: Json) -> Json:
        return {"id": name, "kind": kind, "address": f"{self.workspace_id}-{name}", "providers": list(providers)}

    @property
    def account(self) -> str:
        """At Twilio, and wherever else it takes one to tell requests of workspaces apart."""
        return f"AC-{self.workspace_id}."

    @property
    def mail_user(self) -> str:
        return f"trips-{self.workspace_id}"

    @property
    def words(self) -> str:
        """What the agent answers. They name the workspace, by which the vendors' requests are told apart."""
        return f"Is-it-on-{self.account}"

    @property
    def room(self) -> Room:
        return Room(self.system, self.workspace_id, self.http)

    def path(self, channel: str, provider: str) -> str:
        return f"/v1/hooks/{self.support if channel == 'mail' else f'{self.workspace_id}-{channel}'}/{provider}"

    async def bring(self, call: HookRequest) -> None:
        """A call of a vendor, which is taken."""
        answer = await self.anybody.request(call.method, call.path, content=call.body, headers=list(call.headers))
        assert answer.status_code == 200, answer.text

    async def bring_twilio(
        self, fields: dict[str, str], channel: str = "texts", provider: str = "twilio-sms"
    ) -> None:
        form = {"AccountSid": self.account, **fields}
        await self.bring(signing.twilio_call(form, path=self.path(channel, provider)))

    async def only_ticket(self) -> Json:
        (ticket,) = await self.until_tickets(1)
        return ticket

    async def calls(self, ticket_id: str) -> list[Json]:
        """The calls of a ticket, the newest first."""
        answer = await self.http.get(f"/v1/tickets/{ticket_id}/calls")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def until_ended(self, ticket_id: str, count: int) -> list[Json]:
        """The calls of a ticket, once so many are over."""

        async def probe() -> list[Json]:
            calls = await self.calls(ticket_id)
            assert len(calls) == count
            assert all(call["outcome"] for call in calls)
            return calls

        return list(await eventually(probe))
