"""By what messages find their tickets, as it stands within one commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.intake.app.message_keys import sender_key, thread_key
from services.intake.app.ports import SenderKey, ThreadKey, TicketKey
from services.intake.domain.message import InboundMessage
from services.intake.domain.subject_tag import plain_subject
from services.intake.domain.ticket import Ticket


@dataclass(slots=True, kw_only=True)
class Pointers:
    """What points to tickets beside what messages say themselves.

    known: the tickets that conversations were about when they were looked up
    newest: tickets of a sender in a channel that are not closed, with their subjects; moved: what has changed
    """

    known: Mapping[ThreadKey, UUID]
    newest: dict[SenderKey, Sequence[tuple[UUID, str]]]
    moved: dict[ThreadKey, UUID] = field(default_factory=dict)

    def thread(self, message: InboundMessage) -> UUID | None:
        """The ticket that the message's conversation was last about."""
        key = thread_key(message)
        return (self.moved.get(key) or self.known.get(key)) if key else None

    def continued(self, message: InboundMessage, customer_id: UUID | None) -> UUID | None:
        """The ticket that a message of this customer goes on with, if it goes on with any."""
        if customer_id is None or not asks_for_newest(message):
            return None
        newest = self.newest.get(sender_key(message, customer_id), ())
        if message.continues:
            return next((ticket_id for ticket_id, _ in newest), None)
        said = plain_subject(message.subject)
        return next((ticket_id for ticket_id, subject in newest if said and plain_subject(subject) == said), None)

    def tickets(self, message: InboundMessage, customer_id: UUID | None) -> list[TicketKey]:
        """All tickets that a message of this customer points to, the strongest hint first.

        customer_id: none where the customer is new
        """
        named = (
            message.ticket_id,
            self.thread(message),
            *message.thread_ticket_ids,
            *message.likely_ticket_ids,
            self.continued(message, customer_id),
        )
        return [(message.workspace_id, ticket_id) for ticket_id in named if ticket_id is not None]

    def sure_tickets(self, message: InboundMessage, customer_id: UUID | None) -> list[TicketKey]:
        """Those that it joins whoever wrote it, unless they are over."""
        if not message.likely_ticket_ids:
            return self.tickets(message, customer_id)
        likely = set(message.likely_ticket_ids)
        return [key for key in self.tickets(message, None) if key[1] not in likely]

    def point(self, message: InboundMessage, ticket: Ticket) -> None:
        """From now on the message's conversation is about this ticket."""
        if key := thread_key(message):
            self.moved[key] = ticket.ticket_id

    def opened(self, ticket: Ticket) -> None:
        """A new ticket is its customer's newest."""
        key = ticket.workspace_id, ticket.customer_id, ticket.channel
        self.newest[key] = [(ticket.ticket_id, ticket.subject), *self.newest.get(key, ())]


def asks_for_newest(message: InboundMessage) -> bool:
    """Whether a message goes on with a ticket to which nothing points."""
    return message.continues or message.same_subject
