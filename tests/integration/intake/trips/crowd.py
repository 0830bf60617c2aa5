"""Everybody at once: providers, mail servers and tools that bring requests and repeat what was not taken.

Each request is from a customer of its own and says a word of its own, by which it is found again.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from itertools import count
from random import Random

import aiosmtplib
import httpx

from services.intake.adapters.hooks.requests import HookRequest
from tests.clients import client
from tests.integration.intake.mail.post import Json
from tests.keys import token
from tests.unit.intake.adapters.hooks import documented, signing

_PAUSE_S = 0.2
"""Between two attempts. Vendors take longer."""

_MOST_PAUSE_S = 0.25
"""Between two requests of one sender."""

_REPEATED = 0.2
"""The share of requests whose answer got lost: they come once more though they were taken."""


@dataclass
class Crowd:
    """taken: words that intake has answered for; files: what mails hold, by word; http, smtp: where intake is"""

    workspace_id: str
    seed: int
    http: int = 0
    smtp: int = 0
    taken: set[str] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    retried: int = 0
    is_over: bool = False
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _client: httpx.AsyncClient = field(default_factory=client)
    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def channels(self) -> list[Json]:
        twilio = {"name": "twilio-sms", "account_sid": "AC1", "secrets": [signing.TWILIO], "number": "+15550100"}
        slack = {"name": "slack", "team_id": "T1", "secrets": [signing.SLACK], "bot_token": "xoxb"}
        meta = {"phone_number_id": "1", "secrets": [signing.META], "access_token": "t", "verify_token": "v"}
        return [
            {"id": "api", "kind": "api"},
            {"id": "mail", "kind": "email", "address": self.mail},
            {"id": "texts", "kind": "sms", "address": f"{self.workspace_id}-texts", "providers": [twilio]},
            {"id": "slack", "kind": "slack", "address": f"{self.workspace_id}-slack", "providers": [slack]},
            {
                "id": "whats",
                "kind": "whatsapp",
                "address": f"{self.workspace_id}-whats",
                "providers": [{"name": "whatsapp", **meta}],
            },
        ]

    @property
    def mail(self) -> str:
        return f"support@{self.workspace_id}.example"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {token(self.workspace_id)}"}

    async def run(self) -> None:
        """Brings requests until it is over, and each until it was taken."""
        senders = (self._text, self._slack, self._whatsapp, self._smtp, self._raw_mail, self._message)
        async with self._client, asyncio.TaskGroup() as group:
            for number, sender in enumerate(senders * 2):
                group.create_task(self._keep_bringing(sender, Random(f"{self.seed} {number}")))

    async def reached(self, number: int) -> None:
        """Waits until so much has been taken."""
        async with self._progress:
            await self._progress.wait_for(lambda: len(self.taken) >= number)

    async def _keep_bringing(self, sender: Callable[[int], "Request"], chance: Random) -> None:
        while not self.is_over:
            request = sender(next(self._numbers))
            while not await self._is_taken(request):
                self.retried += 1
                await asyncio.sleep(_PAUSE_S)
            async with self._progress:
                self.taken.update(request.words)
                self._progress.notify_all()
            if chance.random() < _REPEATED:
                await self._is_taken(request)
            await asyncio.sleep(chance.random() * _MOST_PAUSE_S)

    async def _is_taken(self, request: "Request") -> bool:
        try:
            async with asyncio.timeout(15):
                return await request.bring()
        except (httpx.TransportError, aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected, OSError):
            return False

    # What each of them brings.

    def _text(self, number: int) -> "Request":
        word, sender = f"text-{number}", f"+1415{number:07}"
        fields = {"AccountSid": "AC1", "MessageSid": f"SM{number:032x}", "From": sender, "Body": word}
        path = f"/v1/hooks/{self.workspace_id}-texts/twilio-sms"
        call = signing.twilio_call({**fields, "NumMedia": "0"}, path=path)
        return Request({word}, lambda: self._hook(call))

    def _slack(self, number: int) -> "Request":
        word, at = f"slack-{number}", f"{int(time.time())}.{number:06d}"
        event = documented.slack(text=word, user=f"U{number:08}", channel=f"C{number:08}", ts=at, event_ts=at)
        body = json.dumps({**event, "event_id": f"Ev{number}"}).encode()
        call = signing.slack_call(body, at=int(time.time()), path=f"/v1/hooks/{self.workspace_id}-slack/slack")
        return Request({word}, lambda: self._hook(call))

    def _whatsapp(self, number: int) -> "Request":
        words = [f"whats-{number}-{part}" for part in (1, 2)]
        texts = [
            documented.whatsapp_text(word, id=f"wamid.{word}", **{"from": f"1650{number:06}{part}"})
            for part, word in enumerate(words, 1)
        ]
        body = json.dumps(documented.whatsapp(*texts, number="1")).encode()
        call = signing.meta_call(body, path=f"/v1/hooks/{self.workspace_id}-whats/whatsapp")
        return Request(set(words), lambda: self._hook(call))

    def _smtp(self, number: int) -> "Request":
        word = f"smtp-{number}"
        raw = self._mail(word)

        async def bring() -> bool:
            server = aiosmtplib.SMTP(hostname="127.0.0.1", port=self.smtp, local_hostname="crowd", start_tls=False)
            async with server:
                try:
                    await server.sendmail(f"{word}@example.org", [self.mail], raw)
                except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused) as refusal:
                    if not is_for_now(refusal):
                        raise
                    return False
            return True

        return Request({word}, bring)

    def _raw_mail(self, number: int) -> "Request":
        word = f"raw-{number}"
        raw, headers = self._mail(word), {**self.bearer, "Content-Type": "message/rfc822"}
        return Request({word}, lambda: self._post("/v1/channels/mail/email", raw, headers))

    def _message(self, number: int) -> "Request":
        word = f"message-{number}"
        body = {"channel": "api", "external_id": word, "from": {"email": f"{word}@example.org"}, "text": word}
        headers = {**self.bearer, "Content-Type": "application/json", "Idempotency-Key": word}
        return Request({word}, lambda: self._post("/v1/messages", json.dumps(body).encode(), headers))

    def _mail(self, word: str) -> bytes:
        self.files[word] = hashlib.sha512(word.encode()).digest() * 100
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"{word}@example.org", self.mail, "Help"
        mail["Message-ID"] = f"<{word}@example.org>"
        mail.set_content(word)
        mail.add_attachment(self.files[word], maintype="image", subtype="png", filename=f"{word}.png")
        return mail.as_bytes(policy=SMTP)

    async def _hook(self, call: HookRequest) -> bool:
        return await self._post(call.path, call.body, dict(call.headers), {200, 503})

    async def _post(
        self, path: str, body: bytes, headers: dict[str, str], known: frozenset[int] | set[int] = frozenset()
    ) -> bool:
        """Whether it was taken. On nothing but 503 is it brought again."""
        answer = await self._client.post(f"{self.url}{path}", content=body, headers=headers)
        assert answer.status_code in (known or {200, 201, 202, 503}), answer.text
        return answer.status_code != 503


@dataclass(frozen=True)
class Request:
    """words: one for each message in it"""

    words: set[str]
    bring: Callable[[], Awaitable[bool]]


def is_for_now(refusal: aiosmtplib.SMTPResponseException | aiosmtplib.SMTPRecipientsRefused) -> bool:
    """Whether a mail server keeps the mail and tries again."""
    if isinstance(refusal, aiosmtplib.SMTPResponseException):
        return 400 <= refusal.code < 500
    return all(is_for_now(one) for one in refusal.recipients)
