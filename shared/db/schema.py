"""Whether a service's database has its newest schema, and the process that brings it there if not."""

import asyncio
import os
import sys
from importlib import import_module
from pathlib import Path

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.errors import FatalError
from shared.telemetry.names import Log

log = structlog.get_logger()


def newest(service: str) -> str:
    """The newest revision: histories are linear, files are named by date, a revision by its file."""
    return max(path.stem.replace("-", "_") for path in migrations(service).glob("[0-9]*.py"))


def migrations(service: str) -> Path:
    """The folder of a service's migrations."""
    package = import_module(f"services.{service}")
    assert package.__file__ is not None
    return Path(package.__file__).parent / "migrations" / "versions"


async def ensure_newest(service: str, url: str, owner_url: str | None) -> None:
    """Migrates if the schema is not the newest and an owner's URL is at hand.

    Raises FatalError where the migration fails, or is needed and nobody may run it.
    """
    if await _current(url) == newest(service):
        return
    if owner_url is None:
        raise FatalError(f"the schema of {service} is not {newest(service)}: run `waypost migrate {service}`")
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shared.db.migrate",
        service,
        env={**os.environ, "WAYPOST_DATABASE_OWNER_URL": owner_url},
    )
    if await child.wait() != 0:
        raise FatalError(f"migrating the database of {service} failed")
    log.info(Log.DATABASE_MIGRATED, revision=newest(service))


async def _current(url: str) -> str | None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar_one() is None:
                return None
            found: str | None = (
                await connection.execute(text("SELECT version_num FROM alembic_version"))
            ).scalar_one_or_none()
            return found
    finally:
        await engine.dispose()
