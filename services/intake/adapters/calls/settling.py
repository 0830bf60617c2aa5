"""Settles, for a shard that this process holds, the calls about which nothing more is waited for."""

from collections.abc import Sequence

from sqlalchemy import text

from services.intake.adapters.due import Due
from services.intake.app.call_ports import CallDesk, CallKey
from services.intake.app.settle_calls import settle_calls
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx

_EARLIEST = text(
    "SELECT c.workspace_id, c.channel, c.provider_call_id, c.settles_at AS due_at FROM call c"
    " WHERE c.shard = :shard AND c.settles_at IS NOT NULL ORDER BY c.settles_at LIMIT :most"
)


class Settling:
    """Settles calls when their time has come."""

    def __init__(self, database: Database, desk: CallDesk) -> None:
        self._database = database
        self._desk = desk
        self._due = Due[CallKey](
            database,
            _EARLIEST,
            lambda row: (row.workspace_id, row.channel, row.provider_call_id),
            at_once=100,
            longest_wait_s=2.0,
        )

    async def run(self, shard: Shard) -> None:
        """Settles until the shard is drained. Raises StaleEpoch and TransientError."""
        await self._due.run(shard, shard.bell(), self._settle)

    async def _settle(self, shard: Shard, keys: Sequence[CallKey]) -> None:
        async def unit(tx: Tx) -> None:
            await settle_calls(keys, tx=tx, desk=self._desk)

        await self._database.transact(unit, workspaces={key[0] for key in keys}, fence=shard.fence)
