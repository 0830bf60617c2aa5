"""Which ticket a message belongs to. What we issued is trusted, what anybody can write is a hint."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.message import InboundMessage
from services.intake.domain.ticket import Ticket
from shared.errors import NotFound
from shared.vocabulary import TicketStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message goes.

    ticket: the ticket it joins; none opens a new one
    follow_up_of: the closed ticket that the new one continues
    is_participant: whether its sender already takes part in that ticket; a stranger's message is not public
    """

    ticket: Ticket | None
    follow_up_of: UUID | None = None
    is_participant: bool = True


def place(message: InboundMessage, known: Mapping[UUID, Ticket], customer_id: UUID) -> Place:
    """The place of a message among the tickets of its workspace that it points to.

    known: those tickets, merged ones already followed to where they went
    Raises NotFound where it names a ticket that is not there.
    """
    if message.ticket_id is not None and message.ticket_id not in known:
        raise NotFound("There is no such ticket.")
    hints = (message.ticket_id, *message.thread_ticket_ids)
    ticket = next((known[hint] for hint in hints if hint is not None and hint in known), None)
    if ticket is None:
        return Place(ticket=None)
    is_participant = message.ticket_id is not None or ticket.customer_id == customer_id
    if ticket.status is TicketStatus.CLOSED:
        # Nobody is let into a closed ticket, and a stranger's message continues nothing.
        return Place(ticket=None, follow_up_of=ticket.ticket_id if is_participant else None)
    return Place(ticket=ticket, is_participant=is_participant)
