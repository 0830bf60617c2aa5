"""Forgets what has served its time, hourly, for each shard."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from shared.db import workspaces
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx

Chore = Callable[[Tx], Awaitable[None]]
"""Deletes old rows of the workspaces of its unit of work."""

_EVERY_S = 3600.0


class Housekeeping:
    """Runs chores for every shard that this process holds."""

    def __init__(self, database: Database, chores: Sequence[Chore]) -> None:
        self._database = database
        self._chores = chores

    async def run(self, shard: Shard) -> None:
        """Runs each chore every hour until the shard is drained."""
        while not shard.draining.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await shard.draining.wait()
                    return
            names = await self._database.transact(lambda tx: workspaces.of_shard(tx, shard.n), claims=[shard.n])
            for chore in self._chores:
                await self._database.transact(chore, workspaces=names, fence=shard.fence)
