"""Counts what waits to leave."""

import asyncio
from contextlib import suppress

from sqlalchemy import text

from services.intake.adapters.bells import Bells
from shared.db.unit_of_work import Database, Tx
from shared.errors import TransientError
from shared.telemetry.metrics import Metrics
from shared.vocabulary import ChannelKind

_EVERY_S = 15.0

_COUNTS = text(
    "SELECT d.channel_kind, count(*) AS waiting FROM delivery d"
    " WHERE d.shard = ANY (CAST(:shards AS smallint[])) AND d.state = 'queued' GROUP BY 1"
)


class DeliveryCounting:
    """The gauge of what waits to leave. bells: of the loops that send"""

    def __init__(self, database: Database, bells: Bells, metrics: Metrics) -> None:
        self._database = database
        self._bells = bells
        self._waiting = metrics.gauge(
            "deliveries_waiting", "Messages that wait to leave, of this process's shards.", "channel_kind"
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Counts until `stopping`."""
        while not stopping.is_set():
            with suppress(TransientError):
                await self.count()
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await stopping.wait()

    async def count(self) -> None:
        """Counts what waits. Raises DatabaseUnavailable."""
        here = self._bells.here

        async def unit(tx: Tx) -> dict[str, int]:
            return {row.channel_kind: row.waiting for row in await tx.execute(_COUNTS, {"shards": here})}

        waiting = await self._database.transact(unit, claims=here) if here else {}
        for kind in ChannelKind:
            self._waiting.labels(kind.value).set(waiting.get(kind.value, 0))
