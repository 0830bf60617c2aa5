"""Sleeps until something of a shard is due. The database's clock rules."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import Row, TextClause

from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.wakeups import Wakeup

K = TypeVar("K")

_SHORTEST_WAIT_S = 0.01


class Due(Generic[K]):
    """Finds, for a shard that this process holds, what is due.

    earliest: the statement that gives the first `:most` of a `:shard`, with their `due_at`, the earliest first
    key: what a row of it names
    longest_wait_s: another process may bring something about: this is how late that is noticed
    """

    def __init__(
        self,
        database: Database,
        earliest: TextClause,
        key: Callable[[Row[Any]], K],
        *,
        at_once: int,
        longest_wait_s: float,
    ) -> None:
        self._database = database
        self._earliest = earliest
        self._key = key
        self._at_once = at_once
        self._longest_wait = timedelta(seconds=longest_wait_s)

    async def run(self, shard: Shard, bell: Wakeup, act: Callable[[Shard, list[K]], Awaitable[None]]) -> None:
        """Acts on what is due until the shard is drained. Raises StaleEpoch and TransientError."""
        while not shard.draining.is_set():
            due, wait = await self._database.transact(lambda tx: self._look(tx, shard.n), claims=[shard.n])
            if due:
                await act(shard, due)
            else:
                await bell.wait(max(_SHORTEST_WAIT_S, wait.total_seconds()))

    async def _look(self, tx: Tx, shard: int) -> tuple[list[K], timedelta]:
        """What is due, and how long nothing is if nothing is."""
        rows = (await tx.execute(self._earliest, {"shard": shard, "most": self._at_once})).all()
        now = await tx.now()
        due = [self._key(row) for row in rows if row.due_at <= now]
        return due, min(self._longest_wait, rows[0].due_at - now) if rows and not due else self._longest_wait
