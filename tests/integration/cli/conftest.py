"""A command line for each test, and a workspace for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.integration.cli.commands import Cli
from tests.integration.cli.workspace import VALUES, apply, own_demo
from tests.system import BUILDS, System, Templates, start


@pytest.fixture(scope="package")
async def system(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """All services, shared by tests that keep to workspaces of their own."""
    folder = tmp_path_factory.mktemp("system")
    async with start(stack, BUILDS, prefix="system", templates=templates, folder=folder) as running:
        yield running


@pytest.fixture
def cli(system: System, workspace_id: str, tmp_path: Path) -> Cli:
    """In a workspace that was never configured."""
    return Cli(system, workspace_id, tmp_path, env=dict(VALUES))


@pytest.fixture
async def desk(cli: Cli, tmp_path: Path) -> Cli:
    """In a workspace that is staffed as the demo's."""
    await apply(own_demo(tmp_path, cli.workspace_id), cli.env)
    return cli
