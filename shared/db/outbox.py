"""The outbox: events leave in the transaction that made them true. A row is unpublished by being there."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import tables
from shared.db.sets import insert_set
from shared.events.catalog import TOPIC_OF, shard_of
from shared.events.codec import encode
from shared.events.contract import Contract
from shared.events.envelope import Event

_APPEND = insert_set(
    tables.outbox, ("shard", "workspace_id", "topic", "subject", "sequence", "traceparent", "value")
)


def shards_of(events: Sequence[Event], shards: int) -> set[int]:
    """The shards whose holders relay these events."""
    return {shard_of(workspace_id, shards) for workspace_id in {event.workspace_id for event in events}}


async def append(connection: AsyncConnection, events: Sequence[Event], shards: int) -> None:
    """Inserts events in this order. Whoever calls has locked their aggregates: ids rise as sequences do."""
    await connection.execute(
        _APPEND,
        {
            "shard": [shard_of(event.workspace_id, shards) for event in events],
            "workspace_id": [event.workspace_id for event in events],
            "topic": [_topic(event) for event in events],
            "subject": [event.subject for event in events],
            "sequence": [event.sequence for event in events],
            "traceparent": [event.cause.traceparent for event in events],
            "value": [encode(event) for event in events],
        },
    )


def _topic(event: Event) -> str:
    assert isinstance(event.data, Contract), "we publish only what the catalog knows"
    return TOPIC_OF[type(event.data)].name
