"""A database with only the shared tables and one of the tests' own, and a topic under a prefix of its own."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from shared.db.engine import open_engine
from shared.db.fences import fence
from shared.db.kernel import create_v1
from shared.events.catalog import TICKETS
from shared.kafka.client import create_topics
from tests.integration.shared.node import Ground

_numbers = count(1)


@pytest.fixture(scope="package")
async def template(stack: Stack) -> str:
    """A migrated database to clone."""
    made = await asyncio.to_thread(stack.postgres.create_database, "kernel", prefix="template_")
    engine = open_engine(made.owner_url, name="tests", pool_size=2)
    async with engine.begin() as connection:
        for statement in create_v1():
            await connection.execute(text(statement))
        await connection.execute(
            text(
                "CREATE TABLE note (workspace_id text NOT NULL, subject text NOT NULL, sequence bigint NOT NULL,"
                " holder text NOT NULL, cause text, data jsonb, PRIMARY KEY (workspace_id, subject, sequence))"
            )
        )
        for statement in fence("note"):
            await connection.execute(text(statement))
    await engine.dispose()
    return "template_kernel"


@pytest.fixture
async def ground(stack: Stack, template: str) -> AsyncIterator[Ground]:
    """An empty database."""
    prefix = f"t{next(_numbers)}"
    database = await asyncio.to_thread(
        stack.postgres.create_database, "kernel", prefix=f"{prefix}_", template=template
    )
    async with Ground.open(database.url, database.owner_url, stack.kafka.bootstrap, prefix) as made:
        yield made


@pytest.fixture
async def topic(ground: Ground) -> None:
    """The topic that the ground's processes read."""
    await create_topics(ground.bootstrap, topic_prefix=ground.prefix, topics=[TICKETS])
