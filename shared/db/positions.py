"""How far each topic has been applied: offsets that move in the transaction of their effects."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from shared.db import tables
from shared.db.sets import transposed, upsert_set
from shared.db.unit_of_work import Tx

_COLUMNS = ("topic", "partition", "next_offset")
_SAVE = upsert_set(tables.position, _COLUMNS)


async def load(tx: Tx, partition: int, topics: Sequence[str]) -> Mapping[str, int]:
    """The next offset of each topic in this partition; a topic never read is missing."""
    rows = await tx.execute(
        select(tables.position.c.topic, tables.position.c.next_offset).where(
            tables.position.c.partition == partition, tables.position.c.topic.in_(topics)
        )
    )
    return {row.topic: row.next_offset for row in rows}


async def save(tx: Tx, partition: int, next_offsets: Mapping[str, int]) -> None:
    """Moves positions; commits with the effects of what was read."""
    rows = [
        {"topic": topic, "partition": partition, "next_offset": offset} for topic, offset in next_offsets.items()
    ]
    await tx.execute(_SAVE, transposed(rows, _COLUMNS))
