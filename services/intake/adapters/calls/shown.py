"""Calls to look at, in PostgreSQL."""

from uuid import UUID

from sqlalchemy import text

from services.intake.adapters.calls.store import to_call
from services.intake.app.call_ports import Call
from services.intake.app.ports import TicketKey
from shared.db.unit_of_work import Tx

_LAST = UUID(int=2**128 - 1)

_OF_TICKET = text(
    "WITH RECURSIVE family AS ("
    "SELECT t.ticket_id FROM ticket t WHERE t.workspace_id = :workspace_id AND t.ticket_id = :ticket_id"
    " UNION SELECT t.ticket_id FROM family f"
    " JOIN ticket t ON t.workspace_id = :workspace_id AND t.merged_into = f.ticket_id)"
    " SELECT c.* FROM family f CROSS JOIN LATERAL (SELECT * FROM call"
    " WHERE workspace_id = :workspace_id AND ticket_id = f.ticket_id AND call_id < :before"
    " ORDER BY call_id DESC LIMIT :most) c ORDER BY c.call_id DESC LIMIT :most"
)


class PostgresShownCalls:
    """Calls of tickets, in pages."""

    async def of_ticket(self, tx: Tx, key: TicketKey, before: UUID | None, most: int) -> list[Call]:
        """The newest calls of a ticket and of those that went up in it; before one of them."""
        rows = await tx.execute(
            _OF_TICKET,
            {"workspace_id": key[0], "ticket_id": key[1], "before": before or _LAST, "most": most},
        )
        return [to_call(row) for row in rows.mappings()]
