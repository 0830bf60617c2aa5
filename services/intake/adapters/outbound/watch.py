"""Looks every second whether a shard of this process has something to send, and counts what waits."""

import asyncio
import itertools
from contextlib import suppress

from sqlalchemy import text

from services.intake.adapters.bells import Bells
from shared.db.unit_of_work import Database, Tx
from shared.errors import TransientError
from shared.telemetry.metrics import Metrics
from shared.vocabulary import ChannelKind

_EVERY_S = 1.0
_COUNT_EVERY = 15
"""Looks."""

_DUE = text(
    "SELECT n FROM unnest(CAST(:shards AS smallint[])) AS held (n)"
    " WHERE EXISTS (SELECT 1 FROM delivery d WHERE d.shard = held.n AND d.state = 'queued'"
    " AND d.next_attempt_at <= :now)"
)
_COUNTS = text(
    "SELECT d.channel_kind, count(*) AS waiting FROM delivery d"
    " WHERE d.shard = ANY (CAST(:shards AS smallint[])) AND d.state = 'queued' GROUP BY 1"
)


class DeliveryWatch:
    """One look for all shards at once: their loops need not poll. Rings may be lost."""

    def __init__(self, database: Database, bells: Bells, metrics: Metrics) -> None:
        self._database = database
        self._bells = bells
        self._waiting = metrics.gauge(
            "deliveries_waiting", "Messages that wait to leave, of this process's shards.", "channel_kind"
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Looks until `stopping`."""
        for looks in itertools.count():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await stopping.wait()
                    return
            with suppress(TransientError):
                await self.look()
                if looks % _COUNT_EVERY == 0:
                    await self.count()

    async def look(self) -> None:
        """Rings where there is something to do. Raises DatabaseUnavailable."""
        here = self._bells.here
        if not here:
            return

        async def unit(tx: Tx) -> list[int]:
            due = await tx.execute(_DUE, {"shards": here, "now": await tx.now()})
            return [row.n for row in due]

        self._bells.ring(await self._database.transact(unit, claims=here))

    async def count(self) -> None:
        """Counts what waits. Raises DatabaseUnavailable."""
        here = self._bells.here

        async def unit(tx: Tx) -> dict[str, int]:
            return {row.channel_kind: row.waiting for row in await tx.execute(_COUNTS, {"shards": here})}

        waiting = await self._database.transact(unit, claims=here) if here else {}
        for kind in ChannelKind:
            self._waiting.labels(kind.value).set(waiting.get(kind.value, 0))
