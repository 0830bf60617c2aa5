"""Metrics on the real stack: one or several processes on one database, fed by the topics of the others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from deploy.local.databases import ServiceDatabase
from deploy.local.stack import Stack
from services.metrics.service import build
from services.metrics.settings import MetricsSettings
from shared.db import clock as database_clock
from shared.events.envelope import Event
from shared.kafka.client import Producer, create_topics
from shared.process import run
from shared.service import Leaves, Service
from tests.clients import client
from tests.eventually import eventually
from tests.keys import token, write_jwks
from tests.scribe import publish
from tests.shards import SHARDS, shard_of


@dataclass
class Process:
    """A running metrics process."""

    service: Service
    task: "asyncio.Task[None]"

    async def stop(self) -> None:
        """Ends it in order, as SIGTERM does."""
        self.service.runtime.stopping.set()
        await asyncio.wait([self.task], timeout=20)
        self.task.cancel()
        if not self.task.cancelled():
            self.task.result()

    @property
    def url(self) -> str:
        return self.service.runtime.own_url

    def shards(self) -> int:
        return len(self.service.runtime.leases.held())


@dataclass
class Ground:
    """A database and topics, the processes on them, and the events that were published."""

    stack: Stack
    database: ServiceDatabase
    prefix: str
    jwks: Path
    producer: Producer
    opened: AsyncExitStack
    shift: list[timedelta] = field(default_factory=lambda: [timedelta()])
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, stack: Stack, template: str, prefix: str, folder: Path, **settings: object
    ) -> AsyncIterator["Ground"]:
        """An empty database and empty topics; every process started on them ends with it."""
        async with AsyncExitStack() as opened:
            database = await asyncio.to_thread(
                stack.postgres.create_database, "metrics", prefix=f"{prefix}_", template=template
            )
            await create_topics(stack.kafka.bootstrap, topic_prefix=prefix)
            producer = Producer(stack.kafka.bootstrap, topic_prefix=prefix)
            opened.push_async_callback(producer.close)
            jwks = write_jwks(folder / f"{prefix}.jwks.json")
            yield cls(stack, database, prefix, jwks, producer, opened, settings=settings)

    async def start(self, holder: str = "metrics-1", *, shards: int | None = SHARDS) -> Process:
        """A process that holds so many shards once this returns; None does not wait."""
        settings = MetricsSettings.model_validate(
            {
                "environment": "development",
                "database_url": self.database.url,
                "kafka_bootstrap": self.stack.kafka.bootstrap,
                "topic_prefix": self.prefix,
                "holder": holder,
                "http_host": "127.0.0.1",
                "http_port": 0,
                "shards": SHARDS,
                "jwks_file": self.jwks,
                **self.settings,
            }
        )
        opened = await self.opened.enter_async_context(AsyncExitStack())
        service = await opened.enter_async_context(build(settings, Leaves(clock_shift=lambda: self.shift[0])))
        process = Process(service, asyncio.create_task(run(service), name=holder))
        opened.push_async_callback(process.stop)
        if shards is not None:
            await eventually(lambda: process.shards() == shards, within_s=20, what="shards held")
        return process

    async def publish(self, events: Sequence[Event]) -> None:
        await publish(self.producer, events)

    async def applied(self, process: Process, events: Sequence[Event]) -> None:
        """Waits until everything that was published about these workspaces is applied."""
        inboxes = process.service.runtime.inboxes
        waiting = {shard_of(event.workspace_id) for event in events}

        async def probe() -> bool:
            for shard in sorted(waiting):
                ends = (await inboxes.ends([shard]))[shard]
                inbox = inboxes.of(shard)
                if inbox is None or not inbox.has_applied(ends):
                    return False
                waiting.discard(shard)
            return True

        await eventually(probe, within_s=60, what="events applied")

    async def now(self, process: Process) -> datetime:
        await database_clock.observe(process.service.runtime.database, process.service.runtime.clock)
        return process.service.runtime.clock.now()

    async def http(
        self, process: Process, workspace_id: str, *scopes: str, jti: str | None = None
    ) -> httpx.AsyncClient:
        """A client with a token of this workspace."""
        bearer = token(workspace_id, *scopes, **({"jti": jti} if jti else {}))
        return await self.opened.enter_async_context(client(process.url, bearer=bearer, timeout_s=30))
