"""What becomes of a request whose workspace another process holds, whatever that process does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Request

from shared.db.shards import Leases
from shared.http import forwarding
from shared.http.forwarding import Elsewhere, Placement
from tests.integration.shared.node import Ground
from tests.serving import serving

Talk = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""What a process does with the head of a request."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
STREAM = HEAD % b"text/event-stream; charset=utf-8"
OTHER = HEAD % b"application/json"


@asynccontextmanager
async def process(talk: Talk) -> AsyncIterator[str]:
    """The URL of a process, down to its bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(await reader.readuntil(b"\r\n\r\n"), writer)
        await reader.read()  # silent from here on, until the other side goes

    async with serving(serve) as port:
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def forwarder(ground: Ground, owner_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a process that forwards everything, and soon loses its patience."""
    app = FastAPI()

    @app.get("/v1/things")
    async def read(request: Request) -> None:
        raise Elsewhere(request, owner_url)

    leases = Leases(ground.database, holder="here", owner_url="http://here")
    async with forwarding.open_client() as client:
        client.timeout = httpx.Timeout(5, read=0.2)
        forwarding.install(app, Placement(leases, "http://here", 12), client)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
            yield http


async def test_headers_are_forwarded_byte_by_byte(ground: Ground) -> None:
    heads: list[bytes] = []

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with process(answer) as url, forwarder(ground, url) as http:
        names = [(b"User-Agent", b"caf\xe9"), (b"Cookie", "name=\u00fc".encode())]
        assert (await http.get("/v1/things", headers=names)).status_code == 204
    lines = heads[0].lower().split(b"\r\n")
    assert [line for line in lines if line.startswith((b"user-agent", b"cookie"))] == [
        b"user-agent: caf\xe9",
        b"cookie: name=\xc3\xbc",
    ]
    assert b"waypost-forwarded: 1" in lines


async def test_a_frozen_process_makes_its_requests_unavailable(ground: Ground) -> None:
    async def freeze(_: bytes, __: asyncio.StreamWriter) -> None:
        pass

    async with process(freeze) as url, forwarder(ground, url) as http:
        async with asyncio.timeout(5):
            answer = await http.get("/v1/things")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_event_stream_of_a_frozen_process_ends_and_any_other_answer_breaks(ground: Ground) -> None:
    async def begin(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM if b"event-stream" in head else OTHER)

    async with process(begin) as url, forwarder(ground, url) as http, asyncio.timeout(5):
        answer = await http.get("/v1/things", headers={"Accept": "text/event-stream"})
        assert (answer.status_code, answer.text) == (200, "hello")
        with pytest.raises(httpx.ReadTimeout):
            await http.get("/v1/things", headers={"Accept": "application/json"})


async def test_a_process_may_be_silent_for_longer_than_a_heartbeat_takes_but_not_for_ever() -> None:
    async with forwarding.open_client() as client:
        assert client.timeout.read is not None
        assert 15 < client.timeout.read <= 60


async def test_event_streams_do_not_use_up_the_connections_that_requests_need() -> None:
    async def begin(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM)

    async with process(begin) as url, forwarding.open_client() as client, AsyncExitStack() as streams:
        async with asyncio.timeout(8):
            for _ in range(150):
                stream = await streams.enter_async_context(client.stream("GET", url))
                assert stream.status_code == 200
