"""Sockets on which a service listens."""

import asyncio
import socket

import pytest

from shared.sockets import listen


async def test_what_is_written_to_a_connection_leaves_at_once() -> None:
    options: list[int] = []
    answered = asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        options.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()
        await writer.wait_closed()
        answered.set()

    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        async with await asyncio.start_server(answer, sock=listening):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await answered.wait()
            writer.close()
            await writer.wait_closed()
    assert options == [1]


def test_a_port_that_is_taken_is_refused() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", first.getsockname()[1])
