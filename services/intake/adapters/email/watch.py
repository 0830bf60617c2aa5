"""Looks every second whether a shard of this process has mail to read or to send. Rings may be lost."""

import asyncio
from contextlib import suppress

from sqlalchemy import text

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.raws import PostgresRaws
from shared.db.unit_of_work import Database, Tx
from shared.errors import TransientError

_EVERY_S = 1.0

_DUE = text(
    "SELECT n FROM unnest(CAST(:shards AS smallint[])) AS held (n)"
    " WHERE EXISTS (SELECT 1 FROM delivery d WHERE d.shard = held.n AND d.state = 'queued'"
    " AND d.channel_kind = 'email' AND d.next_attempt_at <= :now)"
)


class MailWatch:
    """One look for all shards at once: their loops need not poll."""

    def __init__(self, database: Database, raws: PostgresRaws, *, inbound: Bells, outbound: Bells) -> None:
        self._database = database
        self._raws = raws
        self._inbound = inbound
        self._outbound = outbound

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
        claims = sorted({*self._inbound.here, *self._outbound.here})
        if not claims:
            return

        async def unit(tx: Tx) -> tuple[list[int], list[int]]:
            due = await tx.execute(_DUE, {"shards": self._outbound.here, "now": await tx.now()})
            return await self._raws.waiting(tx, self._inbound.here), [row.n for row in due]

        inbound, outbound = await self._database.transact(unit, claims=claims)
        self._inbound.ring(inbound)
        self._outbound.ring(outbound)
