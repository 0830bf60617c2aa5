"""What every test may use: one real PostgreSQL and one real Kafka, started once for the whole run."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
from alembic.command import upgrade

from deploy.local.stack import Stack
from shared.db import migrate
from shared.telemetry import logging
from tests.system import BUILDS, System, start


@pytest.fixture(scope="session", autouse=True)
def _quiet_logs() -> None:
    logging.configure(service="tests", level="warning", style="console")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL and Kafka on free loopback ports. Tests make databases and topics of their own."""
    with Stack.start(tmp_path_factory.mktemp("stack"), progress=lambda _: None) as running:
        yield running


@pytest.fixture(scope="session")
async def templates(stack: Stack) -> dict[str, str]:
    """A migrated database of each service, to clone."""

    def make(name: str) -> str:
        made = stack.postgres.create_database(name, prefix="template_")
        upgrade(migrate.config(name, made.owner_url), "head")
        return made.name

    return {name: await asyncio.to_thread(make, name) for name in BUILDS}


@pytest.fixture(scope="session")
async def system(
    stack: Stack, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """All services, shared by tests that keep to workspaces of their own."""
    folder = tmp_path_factory.mktemp("system")
    async with start(stack, tuple(BUILDS), prefix="system", templates=templates, folder=folder) as running:
        yield running


_workspaces = count(1)


@pytest.fixture
def workspace_id() -> str:
    """A workspace that no other test uses."""
    return f"workspace-{next(_workspaces)}"
