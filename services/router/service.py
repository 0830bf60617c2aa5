"""The router's composition root: everything that a router process is made of, in one place."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta

from services.router.adapters import order_rows
from services.router.adapters.history import ForgetHistory, History
from services.router.adapters.rows import PostgresRoutingRows
from services.router.adapters.snapshots import Snapshots
from services.router.adapters.work_orders import WorkOrders
from services.router.api import (
    agent_desk,
    agents,
    offers,
    policies,
    queues,
    snapshots,
    waiting,
    work,
    work_order_list,
    work_orders,
)
from services.router.api.configuring import Configuring
from services.router.api.desks import Desks
from services.router.api.order_desk import OrderDesk
from services.router.app.configuration import RouterPart
from services.router.app.partner_webhooks import OrderLinks
from services.router.consumers import Engines
from services.router.domain.partner import queue_of_partner
from services.router.settings import RouterSettings
from shared.db.bells import ShardBells
from shared.db.shards import Shard
from shared.egress import Egress
from shared.events.catalog import shard_of
from shared.http import configuration, forwarding, parked
from shared.http.app import create_app
from shared.http.forwarding import Placement, allowed_here
from shared.http.preview_turns import PreviewTurns
from shared.ids import SystemIds
from shared.link_tokens import LinkTokens
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
        partner_bells = ShardBells()

        def changed(workspace_id: str, agents: Collection[str]) -> None:
            desks.changed(workspace_id, agents)
            if any(queue_of_partner(agent_id) is not None for agent_id in agents):
                partner_bells.ring(shard_of(workspace_id, settings.shards))

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
            changed=changed,
        )
        is_development = settings.environment == "development"
        egress = Egress(is_development=is_development)
        vault = AesVault(settings.credentials_key.get_secret_value().encode())
        public_url = settings.public_url or (runtime.own_url if is_development else None)
        configuring = Configuring(
            database, engines, vault, egress.problem, runtime.clock, is_reachable=public_url is not None
        )
        tokens = LinkTokens(settings.secret.get_secret_value().encode(), "work-order")
        preview_turns = PreviewTurns()
        order_desk = OrderDesk(database, engines)
        orders = WorkOrders(
            database,
            egress,
            vault,
            OrderLinks(tokens=tokens, base_url=public_url) if public_url else None,
            bells=partner_bells,
            clock=runtime.clock,
            partner_of=order_desk.partner_of,
            decline=order_desk.give_up,
            metrics=runtime.metrics,
        )
        history = History(database)
        housekeeping = runtime.housekeeping(
            order_rows.forget_old, ForgetHistory(timedelta(days=settings.history_days))
        )

        async def serve(shard: Shard) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(engines.run(shard))
                group.create_task(orders.run(shard))
                group.create_task(housekeeping.run(shard))
                group.create_task(history.run(shard))

        async def wake_streams(_halting: asyncio.Event) -> None:
            await runtime.stopping.wait()
            desks.wake_all()

        app = create_app(
            title="Waypost router",
            description=DESCRIPTION,
            routers=[
                agents.routes(engines, configuring),
                agent_desk.routes(database, engines, desks),
                offers.routes(database, engines),
                work.routes(database, engines),
                queues.routes(database, engines),
                waiting.routes(database, engines, runtime.clock),
                policies.routes(database, configuring, runtime.clock, preview_turns),
                work_order_list.routes(database),
                work_orders.routes(order_desk, tokens),
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
        try:
            yield Service(runtime=runtime, app=app, serve=serve, parts=[wake_streams])
        finally:
            preview_turns.close()
            await egress.close()
