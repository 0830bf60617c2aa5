"""Forgets what has served its time, hourly, for each shard."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, literal_column, select
from sqlalchemy.sql.dml import ReturningDelete

from shared.db import workspaces
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx

Chore = Callable[[Tx], Awaitable[bool]]
"""Deletes a portion of the old rows of the workspaces of its unit of work; whether there may be more."""

PORTION = 1_000
"""Rows that one commit deletes, at most: others write to the same tables meanwhile."""

_EVERY_S = 3600.0
_ROW: ColumnElement[str] = literal_column("ctid")


class Housekeeping:
    """Runs chores for every shard that this process holds."""

    def __init__(
        self,
        database: Database,
        chores: Sequence[Chore],
        of_shard: Callable[[int], Sequence[Chore]] = lambda _: (),
    ) -> None:
        """of_shard: chores that find their rows by the shard."""
        self._database = database
        self._chores = chores
        self._of_shard = of_shard

    async def run(self, shard: Shard) -> None:
        """Runs each chore every hour until the shard is drained."""
        while not shard.draining.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await shard.draining.wait()
                    return
            await self.clean(shard)

    async def clean(self, shard: Shard) -> None:
        """Runs each chore, a portion a commit, until nothing old is left or the shard is to be drained."""
        names = await self._database.transact(lambda tx: workspaces.of_shard(tx, shard.n), claims=[shard.n])
        for chore in (*self._chores, *self._of_shard(shard.n)):
            while not shard.draining.is_set():
                if not await self._database.transact(chore, workspaces=names, fence=shard.fence):
                    break


async def delete_portion(tx: Tx, table: Table, is_old: ColumnElement[bool]) -> bool:
    """Deletes a portion of a table's old rows; whether there may be more."""
    return len((await tx.execute(portion(table, is_old))).all()) == PORTION


def portion(table: Table, is_old: ColumnElement[bool]) -> ReturningDelete[Any]:
    """What deletes a portion of a table's old rows."""
    some = select(_ROW).select_from(table).where(is_old).limit(PORTION).correlate(None).scalar_subquery()
    # A row that somebody has changed meanwhile may not be old any more: both look, but no index is looked through
    # once more for every row.
    return delete(table).where(is_old.is_(True), _ROW.in_(some)).returning(_ROW)
