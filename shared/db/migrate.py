"""Brings a service's database to its newest schema: one Alembic history a service, run under a lock.

`python -m shared.db.migrate intake` migrates the database that the environment names. Services call it at
start, in a child process so that Alembic's memory does not stay.
"""

import asyncio
import os
import sys
from importlib import import_module
from pathlib import Path

import structlog
from alembic import context
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.errors import FatalError
from shared.telemetry.names import Log

log = structlog.get_logger()

_LOCK = 0x57_41_59_50
"""The advisory lock of migrations: whoever comes second waits and finds nothing to do."""


def newest(service: str) -> str:
    """The newest revision: histories are linear, files are named by date, a revision by its file."""
    return max(path.stem.replace("-", "_") for path in _versions(service).glob("[0-9]*.py"))


def _versions(service: str) -> Path:
    package = import_module(f"services.{service}")
    assert package.__file__ is not None
    return Path(package.__file__).parent / "migrations" / "versions"


def config(service: str, owner_url: str) -> Config:
    """Alembic's configuration for one service; there is no ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(_versions(service).parent))
    settings.attributes["owner_url"] = owner_url
    return settings


def run(_metadata: MetaData | None = None) -> None:
    """What every `migrations/env.py` does: runs the pending revisions in one transaction."""
    owner_url: str = context.config.attributes["owner_url"]
    asyncio.run(_run(owner_url))


async def _run(owner_url: str) -> None:
    engine = create_async_engine(
        owner_url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool
    )
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        await connection.run_sync(_run_in)
    await engine.dispose()


def _run_in(connection: Connection) -> None:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


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


def main(service: str) -> None:
    """Migrates one service's database, as its owner."""
    upgrade(config(service, os.environ["WAYPOST_DATABASE_OWNER_URL"]), "head")


if __name__ == "__main__":
    main(sys.argv[1])
