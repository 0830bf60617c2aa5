"""Closes tickets that were solved long enough ago."""

from collections.abc import Collection

from services.intake.app.desk import Desk, record
from services.intake.app.ports import TicketKey
from services.intake.domain.lifecycle import close
from shared.db.unit_of_work import Tx
from shared.events.envelope import Cause
from shared.vocabulary import TicketStatus


async def close_tickets(keys: Collection[TicketKey], *, tx: Tx, desk: Desk) -> int:
    """How many of these were due and are closed now; the others have been taken up again meanwhile."""
    tickets = await desk.correspondence.lock_tickets(tx, keys)
    now = await tx.now()
    due = [
        ticket
        for ticket in tickets.values()
        if ticket.status is TicketStatus.SOLVED and ticket.close_due_at is not None and ticket.close_due_at <= now
    ]
    of = {(ticket.workspace_id, ticket.customer_id) for ticket in due}
    customers = await desk.correspondence.customers(tx, of)
    await record(
        [(close(ticket, now), customers[ticket.workspace_id, ticket.customer_id], Cause()) for ticket in due],
        tx=tx,
        tickets=desk.correspondence,
        ids=desk.ids,
    )
    return len(due)
