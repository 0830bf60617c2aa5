"""The router's composition root: everything that a router process is made of, in one place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.router.adapters.rows import PostgresRoutingRows
from services.router.adapters.snapshots import Snapshots
from services.router.api import agent_desk, agents, queues, snapshots, work
from services.router.api.configuring import Configuring
from services.router.api.desks import Desks
from services.router.app.configuration import RouterPart
from services.router.consumers import Engines
from services.router.settings import RouterSettings
from shared.db.shards import Shard
from shared.egress import Egress
from shared.http import configuration, forwarding, parked
from shared.http.app import create_app
from shared.http.forwarding import Placement, allowed_here
from shared.ids import SystemIds
from shared.service import Leaves, Service, open_runtime
from shared.vault import AesVault

DESCRIPTION = "Gives each ticket to the right agent, and can say why."


@asynccontextmanager
async def build(settings: RouterSettings, leaves: Leaves) -> AsyncIterator[Service]:
    """One router process, ready to run."""
    async with open_runtime("router", settings, leaves) as runtime:
        database = runtime.database
        ids = SystemIds()
        desks = Desks(database, runtime.verifier, runtime.stopping)
        engines = Engines(
            database,
            runtime.leases,
            runtime.inboxes,
            PostgresRoutingRows(),
            runtime.clock,
            ids,
            revoked=runtime.revoked,
            seen=runtime.seen,
            fuse=runtime.fuse,
            metrics=runtime.metrics,
            changed=desks.changed,
        )
        egress = Egress(is_development=settings.environment == "development")
        vault = AesVault(settings.credentials_key.get_secret_value().encode())
        configuring = Configuring(database, engines, vault, egress.problem)
        housekeeping = runtime.housekeeping()

        async def serve(shard: Shard) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(engines.run(shard))
                group.create_task(housekeeping.run(shard))

        async def wake_streams(_halting: asyncio.Event) -> None:
            await runtime.stopping.wait()
            desks.wake_all()

        app = create_app(
            title="Waypost router",
            description=DESCRIPTION,
            routers=[
                agents.routes(engines, configuring),
                agent_desk.routes(database, engines, desks),
                work.routes(database, engines),
                queues.routes(database, engines),
                snapshots.routes(Snapshots(database, ids)),
                configuration.routes(configuring, RouterPart, allow=allowed_here, sealed=configuring.sealed),
                parked.routes(database),
            ],
            metrics=runtime.metrics,
            checks={**runtime.checks(), "engines": engines.check},
            verifier=runtime.verifier,
            cors_origins=settings.cors_origins,
            has_docs=settings.environment == "development",
        )
        placement = Placement(runtime.leases, runtime.own_url, settings.shards, loaded=engines.until_loaded)
        forwarding.install(app, placement, runtime.http)
        yield Service(runtime=runtime, app=app, serve=serve, parts=[wake_streams])
