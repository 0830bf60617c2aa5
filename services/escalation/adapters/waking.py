"""Wakes the loop of a shard for what a commit leaves it to do, wherever it runs."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text

from shared.db.bells import ShardBells
from shared.db.unit_of_work import Tx

CHANNEL = "escalation_shards"
"""NOTIFY: a shard has something to do that its holder does not know of."""

_NOTIFY = text("SELECT pg_notify(:channel, :shard)")


async def wake(tx: Tx, bells: ShardBells, due: Mapping[int, datetime | None]) -> None:
    """Rings for shards once this is committed. due: when there is something to do; none for at once"""
    for shard, due_at in due.items():
        if bells.is_here(shard):
            tx.after_commit(lambda n=shard, at=due_at: bells.ring(n, at))  # type: ignore[misc] # defaults bind
        else:
            await notify(tx, shard)


async def notify(tx: Tx, shard: int) -> None:
    """Rings every bell of a shard once this is committed, in whichever process holds it."""
    await tx.execute(_NOTIFY, {"channel": CHANNEL, "shard": str(shard)})
