"""Connections of mail servers: aiosmtpd's protocols, with mails of any lines and bounded in what they hold."""

import asyncio
import socket
from typing import cast

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, syntax

from services.intake.adapters.bytes_in_hand import BytesInHand, Gathering
from services.intake.adapters.email.smtp_data import read_data
from shared.errors import Unavailable
from shared.telemetry.names import Log

log = structlog.get_logger()

TRY_AGAIN = "451 4.3.0 Not now, try again"

_TOO_LARGE = "552 5.3.4 The mail is too large"
_NO_ROOM = "452 4.3.1 Too much mail at once, try again"
_MAX_PIECE = 1 << 17
"""Bytes of a mail that are read at one time; a connection buffers twice as many."""


class Connection(SMTP):
    """aiosmtpd's protocol, with mails of any lines, and every failure one that is tried again."""

    line_length_limit = _MAX_PIECE

    def __init__(
        self,
        reception: object,
        in_hand: BytesInHand,
        *,
        max_bytes: int,
        open_connections: set["Connection"],
    ) -> None:
        super().__init__(
            reception,
            data_size_limit=max_bytes,
            enable_SMTPUTF8=True,
            hostname=socket.gethostname(),
            ident="Waypost",
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )
        self._in_hand = in_hand
        self._connections = open_connections
        self._max_bytes = max_bytes

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Takes a mail. Whoever breaks off in the middle is gone: the library ends this with the connection."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        assert self.envelope is not None
        if arg or not self.envelope.rcpt_tos:
            await self.push("501 Syntax: DATA" if arg else "503 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        with self._in_hand.gathering() as gathering:
            await self.push(await self._taken(self.envelope, gathering))
            self._set_post_data_state()  # type: ignore[no-untyped-call] # the library's

    async def _taken(self, envelope: Envelope, gathering: Gathering) -> str:
        try:
            content = await read_data(self._reader, gathering, most=self._max_bytes)
        except Unavailable:
            return _NO_ROOM
        if content is None:
            return _TOO_LARGE
        envelope.content = envelope.original_content = content
        answer: str = await self._call_handler_hook("DATA")
        return answer

    @property
    def is_busy(self) -> bool:
        """Whether a mail is under way."""
        return self.envelope is not None and self.envelope.mail_from is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts the connection."""
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forgets the connection."""
        self._connections.discard(self)
        super().connection_lost(error)

    async def handle_exception(self, error: Exception) -> str:
        """The answer where ours fail: nobody is to give the mail up."""
        log.warning(Log.MAIL_DELAYED, error=type(error).__name__)
        return TRY_AGAIN

    def close(self) -> None:
        """Ends the connection."""
        if self.transport is not None:
            self.transport.close()


class LmtpConnection(Connection, LMTP):
    """The library answers once where it refuses a mail by itself; LMTP wants an answer a recipient."""

    _takes_mail = False

    async def push(self, status: str | bytes) -> None:
        """Sends an answer."""
        text = status.decode() if isinstance(status, bytes) else status
        if self._takes_mail and "\r\n" not in text and self.envelope is not None:
            text = "\r\n".join([text] * max(1, len(self.envelope.rcpt_tos)))
        self._takes_mail = text.startswith("354")
        await super().push(text)


class Refusal(asyncio.Protocol):
    """Says that there are too many connections."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Says so, and hangs up."""
        writing = cast("asyncio.WriteTransport", transport)  # uvloop's is none by inheritance
        writing.write(b"421 4.3.2 Too many connections, try again\r\n")
        writing.close()
