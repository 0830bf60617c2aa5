"""How a service process runs, and how it ends.

One TaskGroup runs everything: a crash of any part ends the process, there is no half-alive service. On
SIGTERM readiness goes off, streams end, HTTP finishes what it has begun, shards finish their unit of work and
are handed over, connections close; all of it in bounded time.
"""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

import structlog
import uvicorn
import uvloop

from shared.clock import monotonic
from shared.db import clock as database_clock
from shared.db.listener import Listener
from shared.errors import FatalError
from shared.http.auth import KeyUrl
from shared.service import Leaves, Service
from shared.settings import Settings
from shared.telemetry import logging
from shared.telemetry.names import Log

log = structlog.get_logger()

S = TypeVar("S", bound=Settings)

Build = Callable[[S, Leaves], AbstractAsyncContextManager[Service]]
"""A service's composition root."""

_HTTP_DRAIN_S = 5
_WS_MAX_BYTES = 16_384
_STOP_LIMIT_S = 20.0
_STALL_LIMIT_S = 60.0


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handling: `main` decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(service: Service) -> None:
    """Runs a service until its `stopping` is set, then ends it in order."""
    runtime = service.runtime
    halting = asyncio.Event()
    server = _Server(
        uvicorn.Config(
            service.app,
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_HTTP_DRAIN_S,
            ws_max_size=_WS_MAX_BYTES,
            # A page that is looked at once in a while says little: compressing costs memory for each connection.
            ws_per_message_deflate=False,
        )
    )
    hear = {"outbox": _ring_relays(service), **service.listens}
    listener = Listener(runtime.settings.database_url.get_secret_value(), hear)
    async with asyncio.TaskGroup() as group:
        group.create_task(_whole(database_clock.keep(runtime.database, runtime.clock, halting)))
        group.create_task(_whole(runtime.revoked.run(halting)))
        group.create_task(_whole(runtime.inboxes.run(halting)))
        group.create_task(_whole(listener.run(halting)))
        group.create_task(_whole(runtime.relay.run(halting)))
        group.create_task(_whole(runtime.parked_watch.run(halting)))
        group.create_task(_whole(runtime.leases.run(service.serve, halting)))
        if isinstance(runtime.keys, KeyUrl):
            group.create_task(_whole(runtime.keys.run(halting)))
        for part in service.parts:
            group.create_task(_whole(part(halting)))
        serving = group.create_task(server.serve(sockets=[runtime.listening]))
        log.info(Log.SERVICE_STARTED, url=runtime.own_url, holder=runtime.settings.holder)
        await runtime.stopping.wait()
        log.info(Log.SERVICE_STOPPING)
        server.should_exit = True
        await serving
        halting.set()
    log.info(Log.SERVICE_STOPPED)


async def _whole(part: Coroutine[None, None, None]) -> None:
    """Runs a part. A cancellation that nobody asked for is a crash: the group would let it pass in silence."""
    try:
        await part
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise FatalError("a part of the process was cancelled from within") from error


def main(build: Build[S], settings: S, name: str) -> None:
    """A service's `__main__`: runs it until SIGTERM or SIGINT and exits, 0 only after an orderly end."""
    logging.configure(service=name, level=settings.log_level, style=settings.log_format)
    try:
        uvloop.run(_main(build, settings))
    except BaseException as error:
        for cause in _causes(error):
            log.critical(Log.SERVICE_FAILED, error=f"{type(cause).__name__}: {cause}", exc_info=_trace(cause))
        _exit(1)
    _exit(0)


async def _main(build: Build[S], settings: S) -> None:
    async with build(settings, Leaves()) as service:
        calm_collector()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, service)
        _watch(loop)
        await run(service)


def calm_collector() -> None:
    """Keeps the garbage collector from walking, many times a second, through what stays for ever."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _stop(service: Service) -> None:
    service.runtime.stopping.set()
    # Whatever hangs now would hang for ever: the next process takes over from what is committed.
    threading.Timer(_STOP_LIMIT_S, _exit, [1]).start()


def _watch(loop: asyncio.AbstractEventLoop) -> None:
    """Ends the process when its event loop has stood still for a minute."""
    beat = [monotonic()]

    def live() -> None:
        beat[0] = monotonic()
        loop.call_later(1.0, live)

    def look() -> None:
        pause = threading.Event()
        while not pause.wait(5.0):
            if monotonic() - beat[0] > _STALL_LIMIT_S:
                log.critical(Log.SERVICE_STALLED)
                _exit(1)

    live()
    threading.Thread(target=look, name="watchdog", daemon=True).start()


def _exit(code: int) -> None:
    """Ends without waiting for threads or for libraries' own finalisers."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _ring_relays(service: Service) -> Callable[[str], None]:
    def ring(payload: str) -> None:
        for shard in payload.split(","):
            service.runtime.relaying.wake([int(shard)])

    return ring


def _causes(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [cause for inner in error.exceptions for cause in _causes(inner)]
    return [error]


def _trace(cause: BaseException) -> BaseException | None:
    """A trace only where it helps: our own fatal errors say what to do."""
    return None if isinstance(cause, FatalError) else cause
