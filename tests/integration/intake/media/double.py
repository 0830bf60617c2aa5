"""A web server on loopback that answers as it is told, also wrongly, slowly and without end."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.serving import serving

Serve = Callable[["Call", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Call:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Website:
    """answers: by path, one after another, the last one for ever."""

    port: int = 0
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, list[Serve]] = field(default_factory=dict)

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def to(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        pairs = [line.partition(":") for line in head[1:]]
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        call = Call(head[0].split()[1], headers, body)
        self.calls.append(call)
        waiting = self.answers.get(call.path) or [answer(404)]
        await (waiting.pop(0) if len(waiting) > 1 else waiting[0])(call, writer)
        await writer.drain()

    @classmethod
    @asynccontextmanager
    async def open(cls, context: ssl.SSLContext | None = None) -> AsyncIterator["Website"]:
        website = cls()
        async with serving(website.serve, context=context) as website.port:
            yield website


def answer(status: int, content: bytes = b"", /, **headers: str) -> Serve:
    """An answer with its length. Headers are given with underscores."""

    async def serve(_call: Call, writer: asyncio.StreamWriter) -> None:
        fields = {"Content_Length": str(len(content)), "Connection": "close", **headers}
        lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value]
        writer.write(f"HTTP/1.1 {status} Said\r\n{''.join(lines)}\r\n".encode() + content)

    return serve


def only_for(authorization: str, then: Serve) -> Serve:
    """401 for everybody else."""

    async def serve(call: Call, writer: asyncio.StreamWriter) -> None:
        is_known = call.headers.get("authorization") == authorization
        await (then if is_known else answer(401, b"who are you"))(call, writer)

    return serve


async def drip(_call: Call, writer: asyncio.StreamWriter) -> None:
    """A byte every now and then, never too late for a reader's patience, and never the last one."""
    writer.write(b"HTTP/1.1 200 Said\r\nContent-Length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(_call: Call, writer: asyncio.StreamWriter) -> None:
    """As much as anybody takes, its length not told."""
    writer.write(b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        await writer.drain()
