"""Brings a service's database to its newest schema: one Alembic history a service, run under a lock.

`python -m shared.db.migrate intake` migrates the database that the environment names. Services call it at
start, in a child process so that Alembic's time and memory are spent only where there is something to do.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import stamina
from alembic import context, op
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from shared.db.engine import Collision, LockTimeout, meaning
from shared.db.schema import migrations

_LOCK = 0x57_41_59_50
"""The advisory lock of migrations: whoever comes second waits and finds nothing to do."""
_LOOK_S = 0.2
_SESSION = {"lock_timeout": "1500ms"}
"""While a migration waits for a table, everybody stands in line behind it: less long than they are willing to
wait (`shared/db/engine.py`), and longer than the second after which an automatic vacuum gives way."""
_PATIENCE_S = 600.0
"""How long a migration that others keep out is tried again."""


def config(service: str, owner_url: str) -> Config:
    """Alembic's configuration for one service; there is no ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(migrations(service).parent))
    settings.attributes["owner_url"] = owner_url
    return settings


def run(_metadata: MetaData | None = None) -> None:
    """What every `migrations/env.py` does: runs the pending revisions, each in a transaction of its own.

    Processes of the version before may be at work meanwhile. A revision that has to wait for one of them for
    long, or that a deadlock hits, is rolled back and tried again.
    """
    owner_url: str = context.config.attributes["owner_url"]
    asyncio.run(_run(owner_url))


@contextmanager
def without_transaction() -> Iterator[None]:
    """For what takes long and locks nobody out, as an index of a large table that is made CONCURRENTLY.

    Statements are committed one by one and wait for as long as they have to: a revision has nothing beside
    them, and bears being begun anew wherever it was broken off.
    """
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            op.execute("RESET lock_timeout")


async def _run(owner_url: str) -> None:
    engine = create_async_engine(
        owner_url.replace("postgresql://", "postgresql+asyncpg://", 1),
        poolclass=NullPool,
        connect_args={"server_settings": _SESSION},
    )
    try:
        async with engine.connect() as connection:
            await _take_turn(connection)
            async for again in stamina.retry_context(
                on=_is_in_the_way, attempts=None, timeout=_PATIENCE_S, wait_initial=0.5, wait_max=5.0
            ):
                with again:
                    await connection.rollback()
                    await connection.run_sync(_run_in)
    finally:
        await engine.dispose()


async def _take_turn(connection: AsyncConnection) -> None:
    """Waits until nobody else migrates this database, without a snapshot that an index made aside waits for."""
    take = text("SELECT pg_try_advisory_lock(:key)")
    is_ours = False
    while not is_ours:
        is_ours = (await connection.execute(take, {"key": _LOCK})).scalar_one()
        await connection.rollback()  # the lock is the session's, and stays
        if not is_ours:
            await asyncio.sleep(_LOOK_S)


def _is_in_the_way(error: Exception) -> bool:
    """Whether somebody else's transaction is all that was wrong."""
    return isinstance(meaning(error), LockTimeout | Collision)


def _run_in(connection: Connection) -> None:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


def main(service: str) -> None:
    """Migrates one service's database, as its owner."""
    upgrade(config(service, os.environ["WAYPOST_DATABASE_OWNER_URL"]), "head")


if __name__ == "__main__":
    main(sys.argv[1])
