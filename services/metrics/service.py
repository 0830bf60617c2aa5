"""Metrics' composition root: everything that a metrics process is made of, in one place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.metrics.adapters.books import PostgresBooks
from services.metrics.adapters.history import PostgresHistory
from services.metrics.adapters.ledger import PostgresLedger
from services.metrics.adapters.loading import load_boards
from services.metrics.adapters.workspaces import PostgresWorkspaces
from services.metrics.api import kpis, rebuilds, stream
from services.metrics.app.boards import Boards
from services.metrics.app.configuration import MetricsPart
from services.metrics.app.feed import RingLimits
from services.metrics.app.hub import Hub
from services.metrics.app.live import Live
from services.metrics.app.publish_kpis import Publisher
from services.metrics.app.stream_kpis import stream_kpis
from services.metrics.consumers import consume
from services.metrics.settings import MetricsSettings
from shared.clock import monotonic
from shared.db.shards import Shard
from shared.http import configuration, forwarding, parked
from shared.http.app import create_app
from shared.http.auth import Principal
from shared.http.forwarding import Placement, allowed_here
from shared.ids import SystemIds
from shared.kafka.inbox import Inboxes
from shared.service import Leaves, Service, open_runtime

DESCRIPTION = "Shows what is going on while it happens: KPIs, live and over time, each with the tickets behind it."
_STALE_S = 10.0


class _Freshness:
    """Whether what a shard shows is up to date, through failures after which it is read anew."""

    def __init__(self, inboxes: Inboxes, shard: Shard) -> None:
        self._inboxes = inboxes
        self._shard = shard
        self._fresh_at = monotonic()

    def is_stale(self) -> bool:
        """Whether something that the broker has had for too long is not shown yet."""
        inbox = self._inboxes.of(self._shard.n)
        level_at = inbox.level_at() if inbox is not None else None
        if level_at is not None:
            self._fresh_at = max(self._fresh_at, level_at)
        return monotonic() - self._fresh_at > _STALE_S


@asynccontextmanager
async def build(settings: MetricsSettings, leaves: Leaves) -> AsyncIterator[Service]:
    """One metrics process, ready to run."""
    async with open_runtime("metrics", settings, leaves) as runtime:
        database, now = runtime.database, runtime.clock.now
        ledger = PostgresLedger()
        limits = RingLimits(age_s=settings.stream_ring_s, values=settings.stream_ring_values)
        frames = runtime.metrics.counter("stream_frames", "Frames that were given to clients of streams.")

        def new_hub(shard: Shard) -> Hub:
            return Hub(shard.epoch, limits, now=now, is_stale=_Freshness(runtime.inboxes, shard).is_stale)

        live = Live(settings.shards, new_hub)
        workspaces = PostgresWorkspaces(database, runtime.seen, live.configure)
        housekeeping = runtime.housekeeping()

        async def serve(shard: Shard) -> None:
            held = live.begin(shard)
            boards = Boards(now)
            try:
                await load_boards(database, shard, workspaces, boards, now())
                live.complete(held, boards)
                publisher = Publisher(boards, database, feeds=ledger, ids=SystemIds(), now=now)
                consumer = runtime.consumer(consume(boards, ledger, runtime.revoked))
                async with asyncio.TaskGroup() as group:
                    group.create_task(consumer.run(shard))
                    group.create_task(stream_kpis(shard, held.hub, boards, frames))
                    group.create_task(publisher.run(shard))
                    group.create_task(housekeeping.run(shard))
            finally:
                live.end(held)

        def may_go_on(principal: Principal) -> bool:
            return not runtime.stopping.is_set() and runtime.verifier.is_good(principal)

        app = create_app(
            title="Waypost metrics",
            description=DESCRIPTION,
            routers=[
                # Before the routes with a KPI's name in the same place.
                stream.routes(live, may_go_on, runtime.metrics, send_limit_s=settings.stream_send_limit_s),
                kpis.routes(live, PostgresHistory(database), workspaces, now),
                rebuilds.routes(live, database, PostgresBooks(), ledger),
                configuration.routes(workspaces, MetricsPart, allow=allowed_here),
                parked.routes(database),
            ],
            metrics=runtime.metrics,
            checks=runtime.checks(),
            verifier=runtime.verifier,
            cors_origins=settings.cors_origins,
            has_docs=settings.environment == "development",
        )
        forwarding.install(app, Placement(runtime.leases, runtime.own_url, settings.shards), runtime.http)
        yield Service(runtime=runtime, app=app, serve=serve)
