"""Forgets what people wrote about tickets whose customers were erased."""

from collections.abc import Sequence

from services.escalation.app.inbound import erased_ticket, ticket_of
from services.escalation.app.ports import Tracking
from shared.db.unit_of_work import Tx
from shared.events.envelope import Event


async def forget_reasons(events: Sequence[Event], *, tx: Tx, tracking: Tracking) -> None:
    """Takes the reasons of their escalations out: a person gave them, and they may name the customer."""
    erased = {(event.workspace_id, ticket_id) for event in events if (ticket_id := erased_ticket(event))}
    if erased:
        # Whoever else has locked one of them writes its escalations back as they were read. All of the batch at
        # once: its other tickets are locked next, and there is one order.
        about = {(event.workspace_id, ticket_id) for event in events if (ticket_id := ticket_of(event))}
        await tracking.lock(tx, about)
        await tracking.forget_reasons(tx, erased)
