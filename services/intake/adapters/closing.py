"""Closes, for a shard that this process holds, the tickets that are due to be closed."""

from collections.abc import Sequence

from sqlalchemy import text

from services.intake.adapters.due import Due
from services.intake.app.close_tickets import close_tickets
from services.intake.app.desk import Desk
from services.intake.app.ports import TicketKey
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx

_EARLIEST = text(
    "SELECT t.workspace_id, t.ticket_id, t.close_due_at AS due_at FROM ticket t"
    " WHERE t.shard = :shard AND t.close_due_at IS NOT NULL ORDER BY t.close_due_at LIMIT :most"
)


class Closing:
    """Closes solved tickets when their time has come."""

    def __init__(self, database: Database, desk: Desk) -> None:
        self._database = database
        self._desk = desk
        self._due = Due[TicketKey](
            database, _EARLIEST, lambda row: (row.workspace_id, row.ticket_id), at_once=200, longest_wait_s=5.0
        )

    async def run(self, shard: Shard) -> None:
        """Closes until the shard is drained. Raises StaleEpoch and TransientError."""
        await self._due.run(shard, shard.bell(), self._close)

    async def _close(self, shard: Shard, keys: Sequence[TicketKey]) -> None:
        async def unit(tx: Tx) -> None:
            await close_tickets(keys, tx=tx, desk=self._desk)

        await self._database.transact(unit, workspaces={key[0] for key in keys}, fence=shard.fence)
