"""An escalation of its own, and a desk in it for each test."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.local.stack import Stack
from shared.db.engine import open_engine
from shared.kafka.client import Producer
from tests.integration.escalation.desk import Desk, Ear
from tests.integration.outside import Mailbox, Website
from tests.system import System, Templates, clone, start

PREFIX = "escalation"
_databases = count(1)


@pytest.fixture(scope="package")
async def mailbox() -> AsyncIterator[Mailbox]:
    async with Mailbox.open() as opened:
        yield opened


@pytest.fixture(scope="package")
async def website() -> AsyncIterator[Website]:
    async with Website.open() as opened:
        yield opened


@pytest.fixture(scope="package")
async def escalation(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox
) -> AsyncIterator[System]:
    """Escalation alone; its neighbours are recorded events."""
    async with start(
        stack,
        ("escalation",),
        prefix=PREFIX,
        templates=templates,
        folder=tmp_path_factory.mktemp(PREFIX),
        outbound_smtp_url=f"smtp://127.0.0.1:{mailbox.port}",
        mail_from="Waypost <support@waypost.example>",
    ) as running:
        yield running


@pytest.fixture
async def young(stack: Stack, templates: Templates) -> AsyncIterator[AsyncConnection]:
    """A session as those of the service, of a database in which nothing has happened and no service runs."""
    database = await asyncio.to_thread(clone, stack, templates, "escalation", f"young{next(_databases)}")
    engine = open_engine(database.url, name="tests", pool_size=1)
    try:
        async with engine.connect() as connection:
            yield connection
            await connection.rollback()
    finally:
        await engine.dispose()


@pytest.fixture(scope="package")
async def producer(escalation: System, stack: Stack) -> AsyncIterator[Producer]:
    made = Producer(stack.kafka.bootstrap, topic_prefix=PREFIX)
    yield made
    await made.close()


@pytest.fixture(scope="package")
async def ear(escalation: System, stack: Stack) -> AsyncIterator[Ear]:
    async with Ear.open(stack.kafka.bootstrap, PREFIX) as opened:
        yield opened


@pytest.fixture
async def desk(escalation: System, producer: Producer, ear: Ear, workspace_id: str) -> Desk:
    """A workspace that is not configured yet."""
    return await Desk.open(escalation, producer, ear, workspace_id)
