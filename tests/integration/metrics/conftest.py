"""A migrated metrics database to clone, and a running process that tests with workspaces of their own share."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from alembic.command import upgrade

from deploy.local.stack import Stack
from shared.db import migrate
from tests.integration.metrics.running import Ground, Process

_numbers = count(1)


@pytest.fixture(scope="package")
async def metrics_template(stack: Stack) -> str:
    """The name of a migrated database."""

    def make() -> str:
        made = stack.postgres.create_database("metrics", prefix="template_alone_")
        upgrade(migrate.config("metrics", made.owner_url), "head")
        return made.name

    return await asyncio.to_thread(make)


@pytest.fixture(scope="package")
async def shared_ground(
    stack: Stack, metrics_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ground]:
    """A ground that tests share."""
    folder = tmp_path_factory.mktemp("metrics")
    async with Ground.open(stack, metrics_template, "metrics", folder) as ground:
        yield ground


@pytest.fixture(scope="package")
async def process(shared_ground: Ground) -> Process:
    """The process on the shared ground."""
    return await shared_ground.start()


@pytest.fixture
async def ground(stack: Stack, metrics_template: str, tmp_path: Path) -> AsyncIterator[Ground]:
    """A ground of one's own."""
    async with Ground.open(stack, metrics_template, f"m{next(_numbers)}", tmp_path) as made:
        yield made
