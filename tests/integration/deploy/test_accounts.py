"""Where and as whom PostgreSQL can run. Below pytest's own folder, which is closed to others, it always does."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.accounts import closed_to_others
from deploy.local.folder import hold
from deploy.local.postgres import Postgres
from tests.integration.deploy.running import Running

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change its account")
in_the_open = pytest.mark.skipif(
    bool(closed_to_others(Path(sys.prefix))), reason="nobody cannot reach this environment"
)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def runs_as(data: Path) -> int:
    """Starts a server there and tells the uid of its process."""
    with hold(data) as folder:
        postgres = Postgres(folder, progress=print)
        try:
            postgres.start()
            connection = await asyncpg.connect(postgres.admin_url)
            await connection.close()
            return Path(f"/proc/{postgres.pid}").stat().st_uid
        finally:
            postgres.stop()


@as_root
@in_the_open
async def test_root_runs_it_as_nobody(open_folder: Path) -> None:
    assert await runs_as(open_folder / "data") == 65534


@as_root
@in_the_open
async def test_root_runs_it_below_a_folder_closed_to_others_too(open_folder: Path) -> None:
    data = open_folder / "data"
    await runs_as(data)
    open_folder.chmod(0o700)
    assert await runs_as(data) == 0  # under another name, on the data that was nobody's
    open_folder.chmod(0o755)
    assert await runs_as(data) == 65534


@as_root
async def test_ordinary_user_runs_it(open_folder: Path) -> None:
    an_ordinary_user = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    program = "import tests.integration.deploy.test_accounts as t, asyncio, os, pathlib, sys;"
    program += "print('as', os.geteuid(), asyncio.run(t.runs_as(pathlib.Path(sys.argv[1]))))"
    with Running("-c", program, str(open_folder / "data"), prefix=an_ordinary_user) as user:
        user.wait_for("^as 1000 1000$")
