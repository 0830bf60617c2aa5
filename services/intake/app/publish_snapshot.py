"""Publishes tickets as they stand, for readers that have lost their history."""

from uuid import UUID

from services.intake.app.client_ports import States
from services.intake.app.outbound import facts_of
from services.intake.domain.customer import Customer
from services.intake.domain.ticket import Ticket
from shared.db.unit_of_work import Tx
from shared.events.envelope import Cause, Event, new_event
from shared.events.tickets import TicketSnapshotV1
from shared.ids import IdFactory

CHUNK = 500


async def publish_snapshot(
    workspace_id: str, after: UUID | None, cause: Cause, *, tx: Tx, states: States, ids: IdFactory
) -> list[UUID]:
    """Publishes the next tickets of a workspace and says which; none when it is through.

    They are locked, so that each snapshot stands between the events before and after it.
    """
    found = await states.lock_next(tx, workspace_id, after, CHUNK)
    tx.emit([_snapshot(ticket, customer, cause, ids) for ticket, customer in found])
    return [ticket.ticket_id for ticket, _ in found]


def _snapshot(ticket: Ticket, customer: Customer, cause: Cause, ids: IdFactory) -> Event:
    return new_event(
        TicketSnapshotV1(
            ticket_id=ticket.ticket_id,
            ticket_number=ticket.number,
            facts=facts_of(ticket, customer),
            status=ticket.status,
            opened_by=ticket.opened_by,
            opened_at=ticket.opened_at,
            first_replied_at=ticket.first_replied_at,
            solved_at=ticket.solved_at,
            merged_into=ticket.merged_into,
        ),
        event_id=ids.new(),
        service="intake",
        workspace_id=ticket.workspace_id,
        # It repeats the last fact's number and time: it is no fact of its own.
        sequence=ticket.sequence,
        time=ticket.last_event_at,
        cause=cause,
    )
