"""IMAP's lines and literals on a connection, bounded in size and in time.

A reply is a line; where it ends in `{n}`, n bytes follow that may be anything, and then the line goes on.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from services.intake.adapters.email.imap.errors import ConnectionLost, ImapError, Refused, shown
from services.intake.adapters.outside import Outside

_LINE = 65_536
_LITERALS = 64
_CHUNK = 65_536
_CONNECT_S = 15.0
_SILENCE_S = 30.0
_COMMAND_S = 600.0
"""However slowly the bytes drip."""
_LITERAL = re.compile(rb"~?\{(\d{1,19})\+?\}$")
_WASTE = 256 << 20
"""More than this of what is not kept is read over to get to the next line."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes inside a reply, or their beginning. size: how many there were"""

    content: bytes = field(repr=False)
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether all of them were kept."""
        return len(self.content) == self.size


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server says at one time: pieces of text, and literals between them."""

    parts: tuple[bytes | Literal, ...]

    @property
    def text(self) -> bytes:
        """The first piece."""
        first = self.parts[0]
        return first if isinstance(first, bytes) else b""


class Wire:
    """One connection. One command at a time.

    silence_s: a server that is asked says something within this time, or is frozen
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, silence_s: float = _SILENCE_S
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._silence_s = silence_s
        self._count = 0
        self._secrets: set[bytes] = set()

    @classmethod
    async def open(cls, outside: Outside, host: str, port: int, context: ssl.SSLContext | None) -> Self:
        """Connects, encrypted from the start where there is a context.

        Raises OSError, TimeoutError, EgressRefused and ProviderUnavailable.
        """
        async with asyncio.timeout(_CONNECT_S):
            address = await outside.address(host, port)
            reader, writer = await asyncio.open_connection(
                str(address), port, limit=_LINE, ssl=context, server_hostname=host if context else None
            )
        return cls(reader, writer)

    async def encrypt(self, host: str, context: ssl.SSLContext) -> None:
        """Goes on encrypted. Raises ImapError where something was said before that, in the open."""
        if self._reader._buffer:  # type: ignore[attr-defined] # noqa: SLF001 - there is no public way to look
            raise ImapError("the mail server says something between STARTTLS and TLS")
        async with asyncio.timeout(_CONNECT_S):
            await self._writer.start_tls(context, server_hostname=host)

    def close(self) -> None:
        """Hangs up at once."""
        self._writer.transport.abort()

    async def say(self, line: bytes) -> None:
        """Sends a line."""
        self._writer.write(line + b"\r\n")
        try:
            async with asyncio.timeout(self._silence_s):
                await self._writer.drain()
        except ConnectionError as error:
            raise ConnectionLost from error

    def hide(self, *secrets: bytes) -> None:
        """Nobody is to read these, should the server repeat them, in quotes or without."""
        for secret in secrets:
            self._secrets |= {secret, secret.replace(b"\\", rb"\\").replace(b'"', rb"\"")}

    def shown(self, said: bytes) -> str:
        """What the server said, for people to read."""
        return shown(said, self._secrets)

    async def start(self, line: bytes) -> bytes:
        """Sends a command; its tag."""
        self._count += 1
        tag = b"W%d" % self._count
        await self.say(tag + b" " + line)
        return tag

    async def ask(
        self, line: bytes, on: Callable[[Reply], None], *, keep: Callable[[], int] = lambda: _LINE
    ) -> bytes:
        """Sends a command and hands on what comes until it is done; what the server says at the end.

        keep: how much of the next reply's literals is kept, asked before each
        Raises Refused, ConnectionLost and ImapError.
        """
        async with asyncio.timeout(_COMMAND_S):
            return await self.finish(await self.start(line), on, keep=keep)

    async def finish(
        self, tag: bytes, on: Callable[[Reply], None], *, keep: Callable[[], int] = lambda: _LINE
    ) -> bytes:
        """Hands on what comes until the command is done. Raises as `ask`."""
        while True:
            reply = await self.hear(keep=keep())
            start, _, rest = reply.text.partition(b" ")
            if start == tag:
                status, _, said = rest.partition(b" ")
                if status.upper() == b"OK":
                    return said
                raise Refused(self.shown(said) or "no reason given")
            on(reply)

    async def hear(self, *, keep: int = _LINE, within_s: float | None = None) -> Reply:
        """The next reply. Raises ConnectionLost, ImapError, and TimeoutError with nothing of it taken."""
        line = await self._line(within_s or self._silence_s)
        parts: list[bytes | Literal] = []
        while found := _LITERAL.search(line):
            if len(parts) > 2 * _LITERALS:
                raise ImapError("the mail server does not come to an end")
            literal = await self._literal(int(found[1]), keep)
            # All that one reply brings together is no more than that.
            keep -= len(literal.content)
            parts += [line[: found.start()], literal]
            line = await self._line(self._silence_s)
        reply = Reply((*parts, line))
        if reply.text[:6].upper() == b"* BYE ":
            raise ConnectionLost(f"the mail server has hung up: {self.shown(reply.text[6:])}")
        return reply

    async def _line(self, within_s: float) -> bytes:
        try:
            async with asyncio.timeout(within_s):
                return (await self._reader.readuntil(b"\n")).rstrip(b"\r\n")
        except asyncio.LimitOverrunError as error:
            raise ImapError("the mail server sends too long a line") from error
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError) as error:
            raise ConnectionLost from error

    async def _literal(self, size: int, keep: int) -> Literal:
        if size > keep + _WASTE:
            raise ImapError("the mail server sends too much")
        kept = bytearray()
        left = size
        while left:
            try:
                async with asyncio.timeout(self._silence_s):
                    chunk = await self._reader.read(min(left, _CHUNK))
            except (ConnectionError, ssl.SSLError) as error:
                raise ConnectionLost from error
            if not chunk:
                raise ConnectionLost
            kept += chunk[: max(0, keep - len(kept))]
            left -= len(chunk)
        return Literal(bytes(kept), size)
