"""Mail servers that answer: they take every mail and send something back, as bad ones on the internet do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Letter:
    """A mail with its envelope."""

    sender: str
    recipient: str
    raw: bytes


Answer = Callable[[Letter, int], Letter]
"""What is sent back to a mail, the so manieth."""


@dataclass
class Echo:
    """A server that answers every mail. taken: what it was sent; waiting: answers that are not delivered yet"""

    answer: Answer
    deliver_to: int
    port: int = 0
    taken: list[Letter] = field(default_factory=list)
    waiting: set[asyncio.Task[None]] = field(default_factory=set)

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        assert isinstance(envelope.content, bytes)
        sender = "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)
        for recipient in envelope.rcpt_tos:
            letter = Letter(sender, recipient, envelope.content)
            self.taken.append(letter)
            task = asyncio.create_task(self._send_back(self.answer(letter, len(self.taken))))
            self.waiting.add(task)
            task.add_done_callback(self.waiting.discard)
        return "250 Taken"

    async def _send_back(self, letter: Letter) -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.deliver_to, local_hostname="echo") as client:
            await client.sendmail(letter.sender, [letter.recipient], letter.raw)


@asynccontextmanager
async def open_echo(answer: Answer, *, port: int, deliver_to: int) -> AsyncIterator[Echo]:
    """A server on this port, whose answers go to that one."""
    loop = asyncio.get_running_loop()
    echo = Echo(answer, deliver_to, port)
    server = await loop.create_server(lambda: SMTP(echo, hostname="echo", loop=loop), "127.0.0.1", port)
    try:
        yield echo
    finally:
        server.close()
        await asyncio.gather(*echo.waiting, return_exceptions=True)


def _read(raw: bytes) -> EmailMessage:
    parsed = message_from_bytes(raw, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def bounce(letter: Letter, number: int) -> Letter:
    """A delivery status notification (RFC 3464), even to mail that nobody may bounce: then to its Reply-To."""
    original = _read(letter.raw)
    back_to = letter.sender or str(original["Reply-To"])
    head = original.as_bytes().split(b"\n\n")[0].decode()
    raw = (
        f"From: Mail Delivery System <mailer-daemon@mx.example>\r\nTo: {back_to}\r\nSubject: Undelivered\r\n"
        f"Message-ID: <bounce-{number}@mx.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{head}\r\n--b--\r\n"
    )
    return Letter("", back_to, raw.encode())


def complaint_in_words(letter: Letter, number: int) -> Letter:
    """What an old server says: in words, from its daemon, in an envelope like anybody's."""
    back_to = str(_read(letter.raw)["Reply-To"])
    raw = (
        f"From: mailer-daemon@old.example\r\nTo: {back_to}\r\nSubject: Mail failure {number}\r\n"
        f"Message-ID: <failure-{number}@old.example>\r\n\r\nI could not deliver your mail.\r\n"
    )
    return Letter("mailer-daemon@old.example", back_to, raw.encode())


def unmarked_reply(letter: Letter, number: int) -> Letter:
    """What a person might write: a new mail to our plain address, and no word that a machine wrote it."""
    ours = str(_read(letter.raw)["From"].addresses[0].addr_spec)
    raw = (
        f"From: {letter.recipient}\r\nTo: {ours}\r\nSubject: About my case {number}\r\n"
        f"Message-ID: <unmarked-{number}@{letter.recipient.partition('@')[2]}>\r\n\r\nThank you, {number}.\r\n"
    )
    return Letter(letter.recipient, ours, raw.encode())
