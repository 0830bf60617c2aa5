"""Finds, for a shard that this process holds, the tickets that are due to be closed."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import text

from services.intake.app.close_tickets import close_tickets
from services.intake.app.desk import Desk
from services.intake.app.ports import TicketKey
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx

_AT_ONCE = 200
_LONGEST_WAIT_S = 5.0
"""A ticket may be solved by any process, and due sooner than all others: this is how late that is noticed."""

_EARLIEST = text(
    "SELECT t.workspace_id, t.ticket_id, t.close_due_at FROM ticket t"
    " WHERE t.shard = :shard AND t.close_due_at IS NOT NULL ORDER BY t.close_due_at LIMIT :most"
)


class Closing:
    """Closes solved tickets when their time has come. The database's clock rules."""

    def __init__(self, database: Database, desk: Desk) -> None:
        self._database = database
        self._desk = desk

    async def run(self, shard: Shard) -> None:
        """Sleeps until the earliest is due, until the shard is drained. Raises StaleEpoch and TransientError."""
        bell = shard.bell()
        while not shard.draining.is_set():
            due, wait_s = await self._database.transact(lambda tx: self._look(tx, shard.n), claims=[shard.n])
            if due:
                await self._database.transact(
                    partial(self._close, due), workspaces={key[0] for key in due}, fence=shard.fence
                )
            else:
                await bell.wait(wait_s)

    async def _close(self, keys: Sequence[TicketKey], tx: Tx) -> None:
        await close_tickets(keys, tx=tx, desk=self._desk)

    async def _look(self, tx: Tx, shard: int) -> tuple[list[TicketKey], float]:
        """Tickets that are due, and how long nothing is if none are."""
        rows = (await tx.execute(_EARLIEST, {"shard": shard, "most": _AT_ONCE})).all()
        now = await tx.now()
        due = [(row.workspace_id, row.ticket_id) for row in rows if row.close_due_at <= now]
        return due, _wait(rows[0].close_due_at, now) if rows and not due else _LONGEST_WAIT_S


def _wait(due_at: datetime, now: datetime) -> float:
    return min(_LONGEST_WAIT_S, max(0.0, (due_at - now).total_seconds()))
