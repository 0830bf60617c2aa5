"""Finds, for a shard that this process holds, the calls about which nothing more is waited for."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import text

from services.intake.app.call_ports import CallDesk, CallKey
from services.intake.app.settle_calls import settle_calls
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx

_AT_ONCE = 100
_LONGEST_WAIT_S = 2.0
"""A call may come to any process: this is how late it is noticed that it waits."""

_EARLIEST = text(
    "SELECT c.workspace_id, c.channel, c.provider_call_id, c.settles_at FROM call c"
    " WHERE c.shard = :shard AND c.settles_at IS NOT NULL ORDER BY c.settles_at LIMIT :most"
)


class Settling:
    """Settles calls when their time has come. The database's clock rules."""

    def __init__(self, database: Database, desk: CallDesk) -> None:
        self._database = database
        self._desk = desk

    async def run(self, shard: Shard) -> None:
        """Sleeps until the earliest is due, until the shard is drained. Raises StaleEpoch and TransientError."""
        bell = shard.bell()
        while not shard.draining.is_set():
            due, wait_s = await self._database.transact(lambda tx: self._look(tx, shard.n), claims=[shard.n])
            if due:
                await self._database.transact(
                    partial(self._settle, due), workspaces={key[0] for key in due}, fence=shard.fence
                )
            else:
                await bell.wait(wait_s)

    async def _settle(self, keys: Sequence[CallKey], tx: Tx) -> None:
        await settle_calls(keys, tx=tx, desk=self._desk)

    async def _look(self, tx: Tx, shard: int) -> tuple[list[CallKey], float]:
        """Calls that are due, and how long nothing is if none are."""
        rows = (await tx.execute(_EARLIEST, {"shard": shard, "most": _AT_ONCE})).all()
        now = await tx.now()
        due = [(row.workspace_id, row.channel, row.provider_call_id) for row in rows if row.settles_at <= now]
        if due or not rows:
            return due, _LONGEST_WAIT_S
        return due, min(_LONGEST_WAIT_S, (rows[0].settles_at - now).total_seconds())
