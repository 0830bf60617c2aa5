"""Brings a service's database to its newest schema: one Alembic history a service, run under a lock.

`python -m shared.db.migrate intake` migrates the database that the environment names. Services call it at
start, in a child process so that Alembic's time and memory are spent only where there is something to do.
"""

import asyncio
import os
import sys

from alembic import context
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.db.schema import migrations

_LOCK = 0x57_41_59_50
"""The advisory lock of migrations: whoever comes second waits and finds nothing to do."""


def config(service: str, owner_url: str) -> Config:
    """Alembic's configuration for one service; there is no ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(migrations(service).parent))
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


def main(service: str) -> None:
    """Migrates one service's database, as its owner."""
    upgrade(config(service, os.environ["WAYPOST_DATABASE_OWNER_URL"]), "head")


if __name__ == "__main__":
    main(sys.argv[1])
