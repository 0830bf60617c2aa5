"""A vendor's API on loopback: it keeps what it is asked and answers as it is told.

One server stands for all vendors: the path says which is meant. Answers are scripted by what the request's body
contains, so that tests that share it do not take each other's.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.eventually import eventually
from tests.serving import serving

Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))

    @property
    def json(self) -> Json:
        return dict(json.loads(self.body))


@dataclass(frozen=True)
class Scripted:
    """An answer. body: none for the vendor's own yes; before: done when the request was kept"""

    status: int = 200
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], Awaitable[None] | None] | None = None


@dataclass
class Vendors:
    """What was asked, in order. scripts: by a word of the request, its answers one after another"""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    scripts: dict[str, list[Scripted]] = field(default_factory=dict)
    _count: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def script(self, word: str, *answers: Scripted) -> None:
        """Answers to requests that contain this word; after the last one, yes."""
        self.scripts.setdefault(word, []).extend(answers)

    def about(self, word: str) -> list[Asked]:
        """The requests that contain this word."""
        return [one for one in self.asked if word in one.path or word.encode() in one.body]

    async def until(self, word: str, count: int = 1, *, within_s: float = 10) -> list[Asked]:
        """These, once there are so many."""

        def probe() -> list[Asked]:
            found = self.about(word)
            assert len(found) == count, [one.path for one in found]
            return found

        return list(await eventually(probe, within_s=within_s))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept open as long as the client wants it."""
        while asked := await _read(reader):
            self.asked.append(asked)
            answer = self._scripted(asked)
            if answer.before and (waiting := answer.before()):
                await waiting
            body = json.dumps(self._yes(asked.path) if answer.body is None else answer.body).encode()
            head = [f"HTTP/1.1 {answer.status} X", "content-type: application/json"]
            head += [f"{name}: {value}" for name, value in answer.headers.items()]
            head += [f"content-length: {len(body)}", "", ""]
            writer.write("\r\n".join(head).encode() + body)
            await writer.drain()

    def _scripted(self, asked: Asked) -> Scripted:
        for word, answers in self.scripts.items():
            if answers and (word in asked.path or word.encode() in asked.body):
                return answers.pop(0)
        return Scripted()

    def _yes(self, path: str) -> Json:
        """What the vendor of this path says where all is well."""
        self._count += 1
        if path.endswith("/Messages.json"):
            return {"sid": f"SM{self._count:032x}", "status": "queued", "error_code": None}
        if path.endswith("/chat.postMessage"):
            return {"ok": True, "channel": "C042", "ts": f"1790000000.{self._count:06d}"}
        if path.endswith("/messages"):
            return {"messaging_product": "whatsapp", "messages": [{"id": f"wamid.{self._count}"}]}
        return {}


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    line = await reader.readline()
    if not line:
        return None
    method, path, _ = line.decode().split(" ", 2)
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode().partition(":")
        headers[name.strip().lower()] = value.strip()
    return Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@asynccontextmanager
async def open_vendors() -> AsyncIterator[Vendors]:
    """A vendor on a free port."""
    vendors = Vendors()
    async with serving(vendors.serve) as vendors.port:
        yield vendors
