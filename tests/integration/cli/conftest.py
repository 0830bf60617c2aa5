"""A command line for each test, and a workspace for it."""

from pathlib import Path

import pytest

from tests.integration.cli.commands import Cli
from tests.integration.cli.workspace import VALUES, apply, own_demo
from tests.system import System


@pytest.fixture
def cli(system: System, workspace_id: str, tmp_path: Path) -> Cli:
    """In a workspace that was never configured."""
    return Cli(system, workspace_id, tmp_path, env=dict(VALUES))


@pytest.fixture
async def desk(cli: Cli, tmp_path: Path) -> Cli:
    """In a workspace that is staffed as the demo's."""
    await apply(own_demo(tmp_path, cli.workspace_id), cli.env)
    return cli
