"""By what messages find their tickets, as it stands within one commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.intake.app.ports import SenderKey, ThreadKey, TicketKey
from services.intake.domain.message import InboundMessage
from services.intake.domain.ticket import Ticket


@dataclass(slots=True, kw_only=True)
class Pointers:
    """What points to tickets beside what messages say themselves.

    known: the tickets that conversations were about when they were looked up
    newest: the newest ticket of a sender in a channel that is not closed; moved: what has changed since
    """

    known: Mapping[ThreadKey, UUID]
    newest: dict[SenderKey, UUID]
    moved: dict[ThreadKey, UUID] = field(default_factory=dict)

    def thread(self, message: InboundMessage) -> UUID | None:
        """The ticket that the message's conversation was last about."""
        key = thread_key(message)
        return (self.moved.get(key) or self.known.get(key)) if key else None

    def continued(self, message: InboundMessage, customer_id: UUID | None) -> UUID | None:
        """The ticket that a message of this customer goes on with, if it goes on with any."""
        if customer_id is None or not message.continues:
            return None
        return self.newest.get(sender_key(message, customer_id))

    def tickets(self, message: InboundMessage, customer_id: UUID | None) -> list[TicketKey]:
        """All tickets that a message of this customer points to, the strongest hint first.

        customer_id: none where the customer is new
        """
        named = (
            message.ticket_id,
            self.thread(message),
            *message.thread_ticket_ids,
            self.continued(message, customer_id),
        )
        return [(message.workspace_id, ticket_id) for ticket_id in named if ticket_id is not None]

    def point(self, message: InboundMessage, ticket: Ticket) -> None:
        """From now on the message's conversation is about this ticket."""
        if key := thread_key(message):
            self.moved[key] = ticket.ticket_id

    def opened(self, ticket: Ticket) -> None:
        """A new ticket is its customer's newest."""
        self.newest[ticket.workspace_id, ticket.customer_id, ticket.channel] = ticket.ticket_id


def thread_key(message: InboundMessage) -> ThreadKey | None:
    """By what its provider knows the conversation of a message, if by anything."""
    if message.thread_key is None:
        return None
    return message.workspace_id, message.channel, message.thread_key


def sender_key(message: InboundMessage, customer_id: UUID) -> SenderKey:
    """Whose newest ticket a message goes on with."""
    return message.workspace_id, customer_id, message.channel
