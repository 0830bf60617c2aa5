"""Servers that tests talk through, down to their bytes."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Talks over one connection, which is closed when this returns."""

_LEFT = (ConnectionError, asyncio.IncompleteReadError)
"""The other side went: no fault of the server."""


@asynccontextmanager
async def serving(serve: Serve, *, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serves on a free port. Connections that are open at the end are cut, and whoever talks there is gone."""
    talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of its own: what asyncio makes of a connection's must not be cancelled.
        task = asyncio.ensure_future(_quietly(serve, reader, writer))
        talks[task] = writer
        await asyncio.wait([task])
        del talks[task]
        if not task.cancelled():
            writer.close()
            task.result()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        cut = dict(talks)
        for task, writer in cut.items():
            task.cancel()
            writer.transport.abort()
        if cut:
            await asyncio.wait(cut)


async def _quietly(serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(*_LEFT):
        await serve(reader, writer)
