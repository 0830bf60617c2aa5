"""Everybody at once: providers, mail servers, visitors and tools that repeat what was not taken.

Each conversation is of a customer of its own; each of its messages says a word of its own, `customer.number`, by
which it is found again. A conversation goes on once what came before in it was taken, whatever crashed meanwhile.
"""

import asyncio
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

import aiosmtplib
import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.clients import client
from tests.integration.intake.imap.dovecot import PASSWORD, Dovecot
from tests.integration.intake.mail.post import Json
from tests.integration.intake.trips.errands import Errands, Request
from tests.keys import token
from tests.unit.intake.adapters.hooks import signing

_PAUSE_S = 0.2
"""Between two attempts. Vendors take longer."""

_MOST_PAUSE_S = 0.25
"""Between two requests of one sender."""

_REPEATED = 0.2
"""The share of requests whose answer got lost: they come once more though they were taken."""

_GONE = (
    *(httpx.TransportError, aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected),
    *(ConnectionClosed, InvalidHandshake, InvalidMessage, OSError),
)


@dataclass
class Crowd:
    """taken: words that intake has answered for; http, smtp, lmtp: where intake is"""

    workspace_id: str
    seed: int
    dovecot: Dovecot
    http: int = 0
    smtp: int = 0
    lmtp: int = 0
    taken: set[str] = field(default_factory=set)
    retried: int = 0
    is_over: bool = False
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _client: httpx.AsyncClient = field(default_factory=client)
    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.errands = Errands(self, self._client)

    @property
    def channels(self) -> list[Json]:
        def channel(name: str, kind: str, provider: str, secret: str, **more: object) -> Json:
            known = {"name": provider, "secrets": [secret], **more}
            return {"id": name, "kind": kind, "address": f"{self.workspace_id}-{name}", "providers": [known]}

        twilio = {"account_sid": "AC1", "number": "+15550100"}
        meta = {"phone_number_id": "1", "access_token": "t", "verify_token": "v"}
        mail = {"sendgrid": signing.SENDGRID, "mailgun": signing.MAILGUN, "postmark": signing.POSTMARK}
        box = {"id": "box", "host": "127.0.0.1", "port": self.dovecot.port, "security": "none", "after": "nothing"}
        chat = {"public_key": "public-key-1", "origins": ["https://www.example.com"]}
        return [
            {"id": "api", "kind": "api"},
            {
                "id": "mail",
                "kind": "email",
                "address": self.mail,
                "providers": [{"name": name, "secrets": [secret]} for name, secret in mail.items()],
                "mailboxes": [{**box, "user": self.mail_user, "password": PASSWORD}],
            },
            channel("texts", "sms", "twilio-sms", signing.TWILIO, **twilio),
            channel("phone", "voice", "twilio-voice", signing.TWILIO, **twilio),
            channel("slack", "slack", "slack", signing.SLACK, team_id="T1", bot_token="xoxb"),
            channel("whats", "whatsapp", "whatsapp", signing.META, **meta),
            channel("other", "api", "standard-webhook", signing.STANDARD),
            {"id": "web", "kind": "chat", "address": f"{self.workspace_id}-web", "chat": chat},
        ]

    @property
    def mail(self) -> str:
        return f"support@{self.workspace_id}.example"

    @property
    def mail_user(self) -> str:
        return f"crowd-{self.workspace_id}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {token(self.workspace_id)}"}

    def path(self, channel: str, provider: str) -> str:
        return f"/v1/hooks/{self.mail if channel == 'mail' else f'{self.workspace_id}-{channel}'}/{provider}"

    async def run(self) -> None:
        """Brings requests until it is over, and each until it was taken."""
        async with self._client, asyncio.TaskGroup() as group:
            for number, converse in enumerate(self.errands.all):
                group.create_task(self._keep_bringing(converse, Random(f"{self.seed} {number}")))

    async def reached(self, number: int) -> None:
        """Waits until so much has been taken."""
        async with self._progress:
            await self._progress.wait_for(lambda: len(self.taken) >= number)

    async def _keep_bringing(self, converse: Callable[[int], Iterator[Request]], chance: Random) -> None:
        while not self.is_over:
            for request in converse(next(self._numbers)):
                while not await self._is_taken(request):
                    self.retried += 1
                    await asyncio.sleep(_PAUSE_S)
                async with self._progress:
                    self.taken.update(request.words)
                    self._progress.notify_all()
                if chance.random() < _REPEATED:
                    await self._is_taken(request)
                await asyncio.sleep(chance.random() * _MOST_PAUSE_S)

    async def _is_taken(self, request: Request) -> bool:
        try:
            async with asyncio.timeout(15):
                return await request.bring()
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as refusal:
            raise AssertionError from refusal
        except _GONE:
            return False


def customer_of(word: str) -> str:
    return word.rpartition(".")[0]
