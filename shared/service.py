"""What every service process is made of. How it runs and ends is in `process.py`."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import structlog
from fastapi import FastAPI

from shared.access import RevokedTokens, forget_expired
from shared.clock import CarriedClock, SystemClock
from shared.db import clock as database_clock
from shared.db import schema
from shared.db.engine import open_engine
from shared.db.housekeeping import Chore, Housekeeping
from shared.db.relay import Relay
from shared.db.shards import Leases, Serve
from shared.db.unit_of_work import Database
from shared.db.workspaces import SeenWorkspaces
from shared.errors import Unavailable
from shared.events.catalog import topics_read_by
from shared.http import forwarding
from shared.http.auth import KeyFile, KeySource, KeyUrl, Verifier
from shared.http.health import Check
from shared.http.idempotency import forget_old
from shared.kafka.client import Producer, Reader, create_topics
from shared.kafka.consumer import Apply, Consumer, Fuse, ParkedWatch, PassesOver
from shared.kafka.inbox import Inboxes
from shared.settings import Settings
from shared.sockets import listen
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.wakeups import RelaySignal

log = structlog.get_logger()

Part = Callable[[asyncio.Event], Coroutine[None, None, None]]
"""Runs until the event is set. If it ends earlier by an error, the process ends."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """What tests put in place of the outside world."""

    clock_shift: Callable[[], timedelta] = timedelta
    connects: bool = True
    """Without connections a service can be composed and looked at, but not run."""


@dataclass(kw_only=True)
class Runtime:
    """What a process has opened. Services compose their own parts from it.

    stopping: set first; HTTP streams end by it
    """

    name: str
    settings: Settings
    metrics: Metrics
    database: Database
    clock: CarriedClock
    producer: Producer
    inboxes: Inboxes
    parked_watch: ParkedWatch
    leases: Leases
    relaying: RelaySignal
    relay: Relay
    seen: SeenWorkspaces
    fuse: Fuse
    revoked: RevokedTokens
    keys: KeySource | None
    verifier: Verifier
    http: httpx.AsyncClient
    listening: socket.socket
    own_url: str
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def consumer(self, apply: Apply, passes_over: PassesOver = lambda _: False) -> Consumer:
        """A consumer of the topics that this service reads."""
        return Consumer(
            self.database,
            self.inboxes,
            apply,
            seen=self.seen,
            fuse=self.fuse,
            metrics=self.metrics,
            passes_over=passes_over,
        )

    def housekeeping(
        self, *chores: Chore, of_shard: Callable[[int], Sequence[Chore]] = lambda _: ()
    ) -> Housekeeping:
        """Hourly cleaning: what every service has to forget, and these chores. of_shard: for each shard"""
        return Housekeeping(self.database, [forget_old, forget_expired, *chores], of_shard)

    def checks(self) -> Mapping[str, Check]:
        """What readiness looks at."""

        async def broker() -> None:
            self.inboxes.check()

        async def fuse() -> None:
            self.fuse.check()

        async def process() -> None:
            if self.stopping.is_set():
                raise Unavailable("stopping")

        return {"database": self.database.ping, "broker": broker, "fuse": fuse, "process": process}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A composed service, ready to run.

    serve: what is done for each shard that this process holds
    parts: what runs once a process beside it; listens: channel -> what to do with a hint
    """

    runtime: Runtime
    app: FastAPI
    serve: Serve
    parts: Sequence[Part] = ()
    listens: Mapping[str, Callable[[str], None]] = field(default_factory=dict)


@asynccontextmanager
async def open_runtime(name: str, settings: Settings, leaves: Leaves) -> AsyncIterator[Runtime]:
    """Opens what every service needs: schema, database, broker, keys. Closes it in reverse."""
    settings.refuse_unsafe()
    owner_url = settings.database_owner_url
    url = settings.database_url.get_secret_value()
    if leaves.connects:
        await schema.ensure_newest(name, url, owner_url.get_secret_value() if owner_url else None)
        made = await create_topics(
            settings.kafka_bootstrap, topic_prefix=settings.topic_prefix, partitions=settings.shards
        )
        if made:
            log.info(Log.TOPICS_CREATED, topics=made)
    async with AsyncExitStack() as stack:
        metrics = Metrics(name)
        relaying = RelaySignal()
        engine = open_engine(url, name=f"waypost-{name}", pool_size=settings.database_pool_size)
        stack.push_async_callback(engine.dispose)
        database = Database(engine, shards=settings.shards, relaying=relaying, clock_shift=leaves.clock_shift)
        clock = CarriedClock()
        producer = Producer(settings.kafka_bootstrap, topic_prefix=settings.topic_prefix)
        stack.push_async_callback(producer.close)
        listening = stack.enter_context(listen(settings.http_host, settings.http_port))
        own_url = settings.http_owner_url or _url_of(listening)
        leases = Leases(database, holder=settings.holder, owner_url=own_url)
        if leaves.connects:
            await database_clock.observe(database, clock)
            await leases.prepare()
        topics = topics_read_by(name)

        def open_reader() -> Reader:
            return Reader(
                settings.kafka_bootstrap,
                topics=topics,
                topic_prefix=settings.topic_prefix,
                group=f"{settings.topic_prefix}-{name}",
            )

        revoked = RevokedTokens(database)
        client = await stack.enter_async_context(forwarding.open_client())
        keys = _key_source(settings, client)
        inboxes = Inboxes(open_reader, topics, metrics)
        yield Runtime(
            name=name,
            settings=settings,
            metrics=metrics,
            database=database,
            clock=clock,
            producer=producer,
            inboxes=inboxes,
            parked_watch=ParkedWatch(database, leases, inboxes),
            leases=leases,
            relaying=relaying,
            relay=Relay(database, leases, producer, relaying, metrics),
            seen=SeenWorkspaces(settings.shards),
            fuse=Fuse(),
            revoked=revoked,
            keys=keys,
            verifier=Verifier(
                keys,
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=SystemClock(),
                revocations=revoked,
            ),
            http=client,
            listening=listening,
            own_url=own_url,
        )


def _url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - compared, not bound


def _key_source(settings: Settings, client: httpx.AsyncClient) -> KeySource | None:
    if settings.jwks_file is not None:
        return KeyFile(settings.jwks_file)
    if settings.jwks_url is not None:
        return KeyUrl(settings.jwks_url, client)
    return None
