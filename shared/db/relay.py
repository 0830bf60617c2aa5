"""Publishes the outbox of a shard, in order, and deletes what the broker has acknowledged."""

from collections.abc import Sequence
from itertools import groupby

import structlog
from sqlalchemy import Row, text

from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.events.codec import CONTENT_TYPE
from shared.kafka.client import Outgoing, Producer
from shared.telemetry.metrics import Metrics
from shared.wakeups import Wakeups

log = structlog.get_logger()

_POLL_S = 1.0
_BATCH = 500

_DELETE = text("DELETE FROM outbox WHERE shard = :shard AND id = ANY (CAST(:ids AS bigint[]))")
_NEXT = text(
    "SELECT id, topic, workspace_id, subject, sequence, traceparent, value"
    " FROM outbox WHERE shard = :shard ORDER BY id LIMIT :most"
)
_CONTENT_TYPE = CONTENT_TYPE.encode()

OutboxRow = Row[tuple[int, str, str, str, int, str | None, bytes]]


class Relay:
    """Moves rows from outboxes to topics. One a process, running once for each shard it holds."""

    def __init__(self, database: Database, producer: Producer, wakeups: Wakeups, metrics: Metrics) -> None:
        self._database = database
        self._producer = producer
        self._wakeups = wakeups
        self._metrics = metrics

    async def run(self, shard: Shard) -> None:
        """Publishes this shard's rows until it is drained. Raises StaleEpoch and TransientError."""
        bell = shard.bell()
        self._wakeups.open(shard.n, bell)
        try:
            rows: Sequence[OutboxRow] = []
            while not shard.draining.is_set():
                rows = await self._swap(shard, done=rows)
                if rows:
                    await self._publish(shard.n, rows)
                else:
                    await bell.wait(_POLL_S)
        finally:
            self._wakeups.close(shard.n)

    async def _swap(self, shard: Shard, *, done: Sequence[OutboxRow]) -> Sequence[OutboxRow]:
        """Deletes what was acknowledged and reads what comes next.

        Only after the broker acknowledged all of it: a crash before this commit publishes it twice, never
        zero times, and readers drop the repeat by its sequence. Never a cursor `id > last`: ids become
        visible out of order.
        """

        async def unit(tx: Tx) -> Sequence[OutboxRow]:
            if done:
                await tx.execute(_DELETE, {"shard": shard.n, "ids": [row.id for row in done]})
            return (await tx.execute(_NEXT, {"shard": shard.n, "most": _BATCH})).all()

        return await self._database.transact(unit, claims=[shard.n], fence=shard.fence)

    async def _publish(self, partition: int, rows: Sequence[OutboxRow]) -> None:
        by_topic = sorted(rows, key=lambda row: row.topic)
        for topic, group in groupby(by_topic, key=lambda row: row.topic):
            await self._producer.publish(topic, partition, [_outgoing(row) for row in group])
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
