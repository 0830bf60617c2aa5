"""Keeps a carried clock near the database's."""

import asyncio
from contextlib import suppress

from shared.clock import CarriedClock, monotonic
from shared.db.unit_of_work import Database, Tx
from shared.errors import TransientError

_EVERY_S = 10.0


async def observe(database: Database, clock: CarriedClock) -> None:
    """Sets the clock by one look at the database's. Raises DatabaseUnavailable."""

    async def unit(tx: Tx) -> None:
        before = monotonic()
        now = await tx.now()
        clock.observe(now, (before + monotonic()) / 2)

    await database.transact(unit)


async def keep(database: Database, clock: CarriedClock, stopping: asyncio.Event) -> None:
    """Looks again every ten seconds, until `stopping`."""
    while not stopping.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(_EVERY_S):
                await stopping.wait()
        with suppress(TransientError):
            await observe(database, clock)
