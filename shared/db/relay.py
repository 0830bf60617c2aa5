"""Publishes the outbox, in order, and deletes what the broker has acknowledged."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import structlog
from sqlalchemy import Row, text

from shared.db.shards import Leases
from shared.db.unit_of_work import Database, Tx
from shared.errors import TransientError
from shared.events.codec import CONTENT_TYPE
from shared.kafka.client import Outgoing, Producer
from shared.patience import Patience
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log
from shared.wakeups import RelaySignal

log = structlog.get_logger()

_POLL_S = 1.0
_BATCH = 1000

_HELD = text(
    "SELECT s.n FROM shard s JOIN unnest(CAST(:ns AS smallint[]), CAST(:epochs AS bigint[])) AS held (n, epoch)"
    " USING (n, epoch) ORDER BY s.n FOR SHARE OF s"
)
_DELETE = text(
    "DELETE FROM outbox WHERE shard = ANY (CAST(:held AS smallint[])) AND id = ANY (CAST(:ids AS bigint[]))"
)
_NEXT = text(
    "SELECT id, shard, topic, workspace_id, subject, sequence, traceparent, value FROM outbox"
    " WHERE shard = ANY (CAST(:held AS smallint[])) ORDER BY id LIMIT :most"
)
_CONTENT_TYPE = CONTENT_TYPE.encode()

OutboxRow = Row[tuple[int, int, str, str, str, int, str | None, bytes]]


class Relay:
    """Moves rows from the outbox to topics, for all shards that this process holds."""

    def __init__(
        self, database: Database, leases: Leases, producer: Producer, signal: RelaySignal, metrics: Metrics
    ) -> None:
        self._database = database
        self._leases = leases
        self._producer = producer
        self._signal = signal
        self._metrics = metrics

    async def run(self, stopping: asyncio.Event) -> None:
        """Publishes until `stopping`. Raises FatalError after a long outage."""
        patience = Patience("publishing")
        published: Sequence[OutboxRow] = []
        while not stopping.is_set():
            try:
                rows = await self._swap(published)
                published = []
                if rows:
                    await self._publish(rows)
                    published = rows
                else:
                    await self._signal.bell.wait(_POLL_S)
                patience.succeeded()
            except TransientError as error:
                log.warning(Log.RELAY_DELAYED, error=str(error))
                await patience.bear(error, stopping)

    async def _swap(self, published: Sequence[OutboxRow]) -> Sequence[OutboxRow]:
        """Deletes what was acknowledged and reads what comes next, of shards that are still ours.

        Only after the broker acknowledged all of it: a crash before this commit publishes it twice, never
        zero times, and readers drop the repeat by its sequence. Never a cursor `id > last`: ids become
        visible out of order.
        """
        shards = self._leases.held()
        self._signal.held = frozenset(shard.n for shard in shards)
        if not shards:
            return []

        async def unit(tx: Tx) -> Sequence[OutboxRow]:
            believed = {"ns": [shard.n for shard in shards], "epochs": [shard.epoch for shard in shards]}
            held = [row.n for row in await tx.execute(_HELD, believed)]
            if published:
                await tx.execute(_DELETE, {"held": held, "ids": [row.id for row in published]})
            return (await tx.execute(_NEXT, {"held": held, "most": _BATCH})).all()

        return await self._database.transact(unit, claims=self._signal.held)

    async def _publish(self, rows: Sequence[OutboxRow]) -> None:
        batches: dict[tuple[str, int], list[Outgoing]] = defaultdict(list)
        for row in rows:
            batches[row.topic, row.shard].append(_outgoing(row))
        await asyncio.gather(
            *(self._producer.publish(topic, shard, batch) for (topic, shard), batch in batches.items())
        )
        self._metrics.published.inc(len(rows))


def _outgoing(row: OutboxRow) -> Outgoing:
    headers = [
        ("content-type", _CONTENT_TYPE),
        ("subject", row.subject.encode()),
        ("sequence", str(row.sequence).encode()),
    ]
    if row.traceparent:
        headers.append(("traceparent", row.traceparent.encode()))
    return Outgoing(key=row.workspace_id.encode(), value=row.value, headers=headers)
