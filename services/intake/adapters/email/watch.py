"""Looks every second whether a shard of this process has mail to read. Rings may be lost."""

import asyncio
from contextlib import suppress

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.raws import PostgresRaws
from shared.db.unit_of_work import Database, Tx
from shared.errors import TransientError

_EVERY_S = 1.0


class MailWatch:
    """One look for all shards at once: their loops need not poll."""

    def __init__(self, database: Database, raws: PostgresRaws, *, inbound: Bells) -> None:
        self._database = database
        self._raws = raws
        self._inbound = inbound

    async def run(self, stopping: asyncio.Event) -> None:
        """Looks until `stopping`."""
        while not stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await stopping.wait()
                    return
            with suppress(TransientError):
                await self.look()

    async def look(self) -> None:
        """Rings where there is something to do. Raises DatabaseUnavailable."""
        here = self._inbound.here
        if not here:
            return

        async def unit(tx: Tx) -> list[int]:
            return await self._raws.waiting(tx, here)

        self._inbound.ring(await self._database.transact(unit, claims=here))
