"""A migrated metrics database to clone, and a running process that tests with workspaces of their own share."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.integration.metrics.running import Ground, Process
from tests.system import Templates

_numbers = count(1)


@pytest.fixture(scope="package")
async def metrics_template(templates: Templates) -> str:
    """The name of a migrated database."""
    return await asyncio.to_thread(templates.__getitem__, "metrics")


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
