"""What each of a crowd brings: a conversation of two messages, by every door that intake has."""

import asyncio
import hashlib
import json
import smtplib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from typing import TYPE_CHECKING

import aiosmtplib
import httpx
from websockets.asyncio.client import connect

from services.intake.adapters.hooks.requests import HookRequest
from tests.integration.intake.chat.room import Page
from tests.integration.intake.mail.post import Json
from tests.integration.intake.trips import letters
from tests.unit.intake.adapters.hooks import documented, signing

if TYPE_CHECKING:
    from tests.integration.intake.trips.crowd import Crowd

TWICE = (1, 2)


@dataclass(frozen=True)
class Request:
    """words: one for each message in it"""

    words: Sequence[str]
    bring: Callable[[], Awaitable[bool]]


class Errands:
    """files: what mails hold, by word; calls: those that were told of to their end, by who called"""

    def __init__(self, crowd: "Crowd", http: httpx.AsyncClient) -> None:
        self._crowd = crowd
        self._client = http
        self.files: dict[str, bytes] = {}

    @property
    def all(self) -> Sequence[Callable[[int], Iterator[Request]]]:
        """Each begins a conversation."""
        by_mail = (self.by_smtp, self.by_lmtp, self.by_http, self.by_imap)
        posts = (letters.by_sendgrid, letters.by_mailgun, letters.by_postmark)
        return (
            *(self.text, self.slack, self.whatsapp, self.webhook, self.call, self.chat, self.message),
            *(partial(self.mails, bring) for bring in by_mail),
            *(partial(self.posted, post) for post in posts),
        )

    # Calls of providers.

    def text(self, number: int) -> Iterator[Request]:
        for word in words("text", number):
            fields = {"AccountSid": "AC1", "MessageSid": f"SM-{word}", "From": f"+1415{number:07}", "Body": word}
            path = self._crowd.path("texts", "twilio-sms")
            yield self._hook([word], signing.twilio_call({**fields, "NumMedia": "0"}, path=path))

    def slack(self, number: int) -> Iterator[Request]:
        began = f"{int(time.time())}.{number:06d}"
        for word, place in zip(words("slack", number), ({}, {"thread_ts": began}), strict=True):
            at = f"{int(time.time())}.{number:05d}9" if place else began
            said: Json = {"text": word, "user": f"U{number:08}", "ts": at, "event_ts": at, **place}
            body = json.dumps({**documented.slack(**said), "event_id": f"Ev-{word}"}).encode()
            path = self._crowd.path("slack", "slack")
            yield self._hook([word], signing.slack_call(body, at=int(time.time()), path=path))

    def whatsapp(self, number: int) -> Iterator[Request]:
        """Two persons in one call."""
        for both in zip(words(f"ann-{number}", 0), words(f"bob-{number}", 0), strict=True):
            texts = [
                documented.whatsapp_text(word, id=f"wamid.{word}", **{"from": f"1650{number:06}{part}"})
                for part, word in enumerate(both)
            ]
            body = json.dumps(documented.whatsapp(*texts, number="1")).encode()
            yield self._hook(both, signing.meta_call(body, path=self._crowd.path("whats", "whatsapp")))

    def webhook(self, number: int) -> Iterator[Request]:
        for word in words("webhook", number):
            data = {"id": word, "from": {"handle": f"h-{number}"}, "thread": f"t-{number}", "text": word}
            body = json.dumps(documented.standard(**data)).encode()
            path = self._crowd.path("other", "standard-webhook")
            yield self._hook([word], signing.standard_call(body, name=word, at=int(time.time()), path=path))

    def call(self, number: int) -> Iterator[Request]:
        """Two telephone calls of one number; a word for each event."""
        for second, call in enumerate(words("call", number)):
            for seq, status in enumerate(("ringing", "completed")):
                fields = {
                    "AccountSid": "AC1",
                    "CallSid": sid_of(call),
                    "From": f"+1212{number:07}",
                    "To": "+15550100",
                    "Direction": "inbound",
                    "CallStatus": status,
                    "SequenceNumber": str(seq),
                    "Timestamp": f"Mon, 02 Mar 2026 10:0{second}:{seq}0 +0000",
                }
                path = self._crowd.path("phone", "twilio-voice")
                yield self._hook([f"{call} {status}"], signing.twilio_call(fields, path=path))

    # Mail.

    def mails(self, bring: Callable[[str, bytes], Awaitable[bool]], number: int) -> Iterator[Request]:
        for mail, word in self._letters(bring.__name__, number):
            self.files[word] = hashlib.sha512(word.encode()).digest() * 100
            mail.add_attachment(self.files[word], maintype="image", subtype="png", filename=f"{word}.png")
            yield Request([word], partial(bring, letters.sender_of(mail), mail.as_bytes(policy=SMTP)))

    def posted(self, post: Callable[[str, EmailMessage], HookRequest], number: int) -> Iterator[Request]:
        provider = post.__name__.removeprefix("by_")
        for mail, word in self._letters(provider, number):
            yield self._hook([word], post(self._crowd.path("mail", provider), mail))

    def _letters(self, name: str, number: int) -> Iterator[tuple[EmailMessage, str]]:
        """A mail, and what somebody adds to it."""
        known: list[str] = []
        for word in words(name, number):
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = f"{name}-{number}@example.org", self._crowd.mail, "Help"
            mail["Message-ID"] = f"<{word}@example.org>"
            if known:
                mail["In-Reply-To"] = mail["References"] = " ".join(known)
            known.append(str(mail["Message-ID"]))
            mail.set_content(word)
            yield mail, word

    async def by_smtp(self, sender: str, raw: bytes) -> bool:
        crowd = self._crowd
        server = aiosmtplib.SMTP(hostname="127.0.0.1", port=crowd.smtp, local_hostname="crowd", start_tls=False)
        async with server:
            try:
                await server.sendmail(sender, [crowd.mail], raw)
            except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused) as refusal:
                if not is_for_now(refusal):
                    raise
                return False
        return True

    async def by_lmtp(self, sender: str, raw: bytes) -> bool:
        def bring() -> bool:
            with smtplib.LMTP("127.0.0.1", self._crowd.lmtp, local_hostname="crowd", timeout=10) as server:
                try:
                    server.sendmail(sender, [self._crowd.mail], raw)
                except smtplib.SMTPRecipientsRefused as refusal:
                    if any(code >= 500 for code, _ in refusal.recipients.values()):
                        raise
                    return False
                except smtplib.SMTPResponseException as refusal:
                    if refusal.smtp_code >= 500:
                        raise
                    return False
            return True

        return await asyncio.to_thread(bring)

    async def by_http(self, _: str, raw: bytes) -> bool:
        headers = {**self._crowd.bearer, "Content-Type": "message/rfc822"}
        return await self._post("/v1/channels/mail/email", raw, headers)

    async def by_imap(self, _: str, raw: bytes) -> bool:
        """Whatever is in a mailbox is to come in."""
        await self._crowd.dovecot.append(self._crowd.mail_user, raw)
        return True

    # Tools and visitors.

    def message(self, number: int) -> Iterator[Request]:
        word = f"message-{number}.1"
        body = {"channel": "api", "external_id": word, "from": {"email": f"{word}@example.org"}, "text": word}
        headers = {**self._crowd.bearer, "Content-Type": "application/json", "Idempotency-Key": word}
        yield Request([word], lambda: self._post("/v1/messages", json.dumps(body).encode(), headers))

    def chat(self, number: int) -> Iterator[Request]:
        """A page that comes back to its conversation for each thing that it says."""
        known: dict[str, object] = {"public_key": "public-key-1"}

        async def bring(word: str) -> bool:
            url = f"ws://127.0.0.1:{self._crowd.http}/v1/chat/{self._crowd.workspace_id}-web"
            async with connect(url, origin="https://www.example.com", proxy=None, close_timeout=1) as socket:  # type: ignore[arg-type] # any origin
                page = Page(socket)
                await page.tell("hello", **known)
                welcome = await page.read()
                if welcome["type"] != "welcome":
                    return False
                known["resume_token"] = welcome["resume_token"]
                known_as = await page.say(word, known=word.replace(".", "-"))
                await page.until("ack", client_message_id=known_as)
            return True

        for word in words("chat", number):
            yield Request([word], partial(bring, word))

    def _hook(self, said: Sequence[str], call: HookRequest) -> Request:
        return Request(said, lambda: self._post(call.path, call.body, dict(call.headers), {200, 503}))

    async def _post(
        self, path: str, body: bytes, headers: dict[str, str], known: frozenset[int] | set[int] = frozenset()
    ) -> bool:
        """Whether it was taken. On nothing but 503 is it brought again."""
        answer = await self._client.post(f"{self._crowd.url}{path}", content=body, headers=headers)
        assert answer.status_code in (known or {200, 201, 202, 503}), answer.text
        return answer.status_code != 503


def words(name: str, number: int) -> Iterator[str]:
    """What a customer says."""
    return (f"{name}-{number}.{part}" for part in TWICE)


def sid_of(word: str) -> str:
    """The name of a call: Twilio has letters and digits in it only."""
    return word.translate({ord("-"): "C", ord("."): "x"})


def word_of(sid: str) -> str:
    return sid.translate({ord("C"): "-", ord("x"): "."})


def is_for_now(refusal: aiosmtplib.SMTPResponseException | aiosmtplib.SMTPRecipientsRefused) -> bool:
    """Whether a mail server keeps the mail and tries again."""
    if isinstance(refusal, aiosmtplib.SMTPResponseException):
        return 400 <= refusal.code < 500
    return all(is_for_now(one) for one in refusal.recipients)
