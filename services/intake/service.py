"""Intake's composition root: everything that an intake process is made of, in one place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.intake.adapters.store import PostgresConversations
from services.intake.adapters.workspaces import PostgresWorkspaces
from services.intake.api import messages
from services.intake.api.receiving import Receiving
from services.intake.app.configuration import IntakePart
from services.intake.consumers import consume
from services.intake.settings import IntakeSettings
from shared.db.shards import Shard
from shared.http import configuration, parked
from shared.http.app import create_app
from shared.ids import SystemIds
from shared.service import Leaves, Service, open_runtime

DESCRIPTION = "Takes what customers send by any channel, and turns it into tickets."


@asynccontextmanager
async def build(settings: IntakeSettings, leaves: Leaves) -> AsyncIterator[Service]:
    """One intake process, ready to run."""
    async with open_runtime("intake", settings, leaves) as runtime:
        database = runtime.database
        ids = SystemIds()
        workspaces = PostgresWorkspaces(database)
        receiving = Receiving(
            database,
            PostgresConversations(),
            workspaces,
            runtime.seen,
            ids,
            group_max=settings.group_max_messages,
        )
        consumer = runtime.consumer(consume())
        housekeeping = runtime.housekeeping()

        async def serve(shard: Shard) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(consumer.run(shard))
                group.create_task(housekeeping.run(shard))

        app = create_app(
            title="Waypost intake",
            description=DESCRIPTION,
            routers=[
                messages.routes(receiving),
                configuration.routes(workspaces, IntakePart),
                parked.routes(database),
            ],
            metrics=runtime.metrics,
            checks=runtime.checks(),
            verifier=runtime.verifier,
            cors_origins=settings.cors_origins,
            has_docs=settings.environment == "development",
        )
        yield Service(runtime=runtime, app=app, serve=serve)
