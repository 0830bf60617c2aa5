"""A mail server that keeps what it is given, and says no when it is told to."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Kept:
    """A mail with its envelope."""

    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class Sink:
    """What came in, by recipient.

    answers: by recipient, said one after another instead of yes; before_yes: done when a mail was kept
    """

    port: int = 0
    kept: dict[str, list[Kept]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, list[str]] = field(default_factory=dict)
    before_yes: Callable[[], None] | None = None

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        assert isinstance(envelope.content, bytes)
        assert envelope.mail_from is not None
        for recipient in envelope.rcpt_tos:
            if waiting := self.answers.get(recipient):
                return waiting.pop(0)
        for recipient in envelope.rcpt_tos:
            sender = "" if envelope.mail_from == "<>" else envelope.mail_from
            self.kept[recipient].append(Kept(sender, list(envelope.rcpt_tos), envelope.content))
        if self.before_yes:
            self.before_yes()
        return "250 Kept"


@asynccontextmanager
async def open_sink(port: int = 0) -> AsyncIterator[Sink]:
    """A sink on a free port, or on this one."""
    loop = asyncio.get_running_loop()
    sink = Sink()
    server = await loop.create_server(lambda: SMTP(sink, hostname="sink", loop=loop), "127.0.0.1", port)
    sink.port = server.sockets[0].getsockname()[1]
    yield sink
    server.close()
