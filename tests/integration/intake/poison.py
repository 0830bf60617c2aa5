"""Data that the database refuses: what no validation foresees."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from shared.db.engine import open_engine
from tests.system import System

POISON = "poison"


@asynccontextmanager
async def poisoned(system: System) -> AsyncIterator[None]:
    """While this lasts, the database takes no message with the text `poison`."""
    engine = open_engine(system.databases["intake"].owner_url, name="tests", pool_size=2)
    # Not valid for rows that are there already: adding it waits for nobody's scan.
    add = f"ALTER TABLE message ADD CONSTRAINT no_poison CHECK (text <> '{POISON}') NOT VALID"
    async with engine.begin() as connection:
        await connection.execute(text(add))
    try:
        yield
    finally:
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE message DROP CONSTRAINT no_poison"))
        await engine.dispose()
