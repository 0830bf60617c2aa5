"""LISTEN: hints from other processes. A hint may be lost; whoever waits for one polls as well."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import asyncpg
import structlog

from shared.telemetry.names import Log

log = structlog.get_logger()

_HEARTBEAT_S = 10.0
_RETRY_S = 1.0


class Listener:
    """One connection that hears all channels of this process."""

    def __init__(self, url: str, handlers: Mapping[str, Callable[[str], None]]) -> None:
        self._url = url
        self._handlers = handlers

    async def run(self, stopping: asyncio.Event) -> None:
        """Hears until `stopping`, reconnecting whenever the connection proves dead."""
        while not stopping.is_set():
            try:
                await self._hear(stopping)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                log.warning(Log.LISTENER_RECONNECTED, error=type(error).__name__)
                await _wait(stopping, _RETRY_S)

    async def _hear(self, stopping: asyncio.Event) -> None:
        connection = await asyncpg.connect(
            self._url, timeout=5, command_timeout=5, server_settings={"application_name": "listener"}
        )
        try:
            for channel, handle in self._handlers.items():
                await connection.add_listener(channel, _hearer(handle))
            while not stopping.is_set():
                await _wait(stopping, _HEARTBEAT_S)
                # A dead socket is noticed only by using it.
                await connection.execute("SELECT 1")
        finally:
            with suppress(asyncpg.InterfaceError, OSError, TimeoutError):
                await connection.close(timeout=2)


def _hearer(handle: Callable[[str], None]) -> Callable[[object, int, str, object], None]:
    def hear(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        handle(str(payload))

    return hear


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
