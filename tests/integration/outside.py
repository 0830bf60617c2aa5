"""The world that is notified: a real mail server and a real web server on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from zlib import crc32

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.serving import serving


@dataclass
class Mail:
    """A mail as it arrived, with its envelope."""

    sender: str
    recipients: list[str]
    message: EmailMessage


@dataclass
class Mailbox:
    """Takes mail. refusals: answers for the next mails to an address instead, such as `451 Later`"""

    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    refusals: dict[str, list[str]] = field(default_factory=dict)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        for recipient in envelope.rcpt_tos:
            if waiting := self.refusals.get(recipient):
                return waiting.pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(Mail(str(envelope.mail_from), list(envelope.rcpt_tos), message))
        return "250 Kept"

    def to(self, address: str) -> list[Mail]:
        return [mail for mail in self.mails if mail.recipients == [address]]

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator["Mailbox"]:
        mailbox = cls()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(mailbox, loop=loop), "127.0.0.1", 0)
        mailbox.port = server.sockets[0].getsockname()[1]
        try:
            yield mailbox
        finally:
            server.close()
            await server.wait_closed()


@dataclass
class Call:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Website:
    """Takes posts.

    answers: statuses of the next answers by path; 200 otherwise; retry_after: what answers by path ask for
    pages: what is to be read at a path, known by its ETag
    """

    port: int = 0
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    retry_after: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def to(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in asked[1:])}
        call = Call(asked[0].split()[1], headers, await reader.readexactly(int(headers.get("content-length", 0))))
        self.calls.append(call)
        status = (self.answers.get(call.path) or [200]).pop(0)
        moved = f"Location: {self.url('/moved')}\r\n" if 300 <= status < 400 else ""
        later = f"Retry-After: {wish}\r\n" if (wish := self.retry_after.get(call.path)) else ""
        page = self.pages.get(call.path, "secret") if status == 200 else "secret"
        tag = f'"{crc32(page.encode())}"'
        if call.path in self.pages and headers.get("if-none-match") == tag and status == 200:
            status, page = 304, ""
        head = f"HTTP/1.1 {status} Answer\r\n{moved}{later}ETag: {tag}\r\nContent-Length: {len(page)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n{page}".encode())
        await writer.drain()

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator["Website"]:
        website = cls()
        async with serving(website._serve) as website.port:
            yield website
