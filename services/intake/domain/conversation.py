"""Which ticket a message belongs to. What we issued is trusted, what anybody can write is a hint."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.domain.message import InboundMessage
from services.intake.domain.ticket import Ticket
from shared.errors import NotFound
from shared.vocabulary import MachineClass, TicketStatus

FOR_EVER = timedelta.max
NEVER = timedelta.min

ALSO_LABEL = "also_points_to"
"""The label of a ticket that a message joined which points to another one too; its value is that one's number."""


@dataclass(frozen=True, slots=True)
class Located:
    """A ticket that a message points to.

    ticket: the one that took it up, where it was merged, or that goes on with it, where it is solved or closed
    customer_id: whose ticket it was that the message points to
    takes_part: whether the sender does, though neither is theirs
    """

    ticket: Ticket
    customer_id: UUID
    takes_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message goes.

    ticket: the ticket it joins; none opens a new one
    follow_up_of: the ticket that the new one continues
    is_participant: whether its sender already takes part in that ticket; a stranger's message is not public
    also: the numbers of other tickets that it points to
    """

    ticket: Ticket | None
    follow_up_of: UUID | None = None
    is_participant: bool = True
    also: tuple[int, ...] = ()


def place(
    message: InboundMessage,
    known: Mapping[UUID, Located],
    customer_id: UUID,
    now: datetime,
    *,
    reopens_within: timedelta = FOR_EVER,
    thread: UUID | None = None,
    continued: UUID | None = None,
) -> Place:
    """The place of a message among the tickets of its workspace that it points to.

    reopens_within: how long after it was solved a ticket is reopened; later a new one continues it
    thread: the ticket that its conversation was last about, as its provider knows conversations: whoever the
    provider lets write there takes part; continued: the ticket that it goes on with where nothing points to one
    Raises NotFound where it names a ticket that is not there.
    """
    if message.ticket_id is not None and message.ticket_id not in known:
        raise NotFound("There is no such ticket.")
    named = (message.ticket_id, thread, *message.thread_ticket_ids)
    sure = [known[hint] for hint in named if hint is not None and hint in known]
    likely = [known[hint] for hint in message.likely_ticket_ids if hint in known]
    pointed = [*sure, *(one for one in likely if _takes_part(customer_id, one))]
    found = next(iter(pointed), None) or (known.get(continued) if continued else None)
    if found is None:
        return Place(ticket=None)
    ticket = found.ticket
    is_trusted = message.ticket_id is not None or (thread is not None and thread in known)
    is_participant = is_trusted or _takes_part(customer_id, found)
    if ticket.status is TicketStatus.CLOSED and not message.belongs_to_closed:
        # Nobody is let into a closed ticket, and a stranger's message continues nothing.
        return Place(ticket=None, follow_up_of=ticket.ticket_id if is_participant else None)
    would_reopen = is_participant and message.machine is MachineClass.NONE
    if would_reopen and ticket.solved_at is not None and now - ticket.solved_at > reopens_within:
        return Place(ticket=None, follow_up_of=ticket.ticket_id)
    also = (one.ticket.number for one in pointed if one.ticket.ticket_id != ticket.ticket_id)
    return Place(ticket=ticket, is_participant=is_participant, also=tuple(dict.fromkeys(also)))


def _takes_part(customer_id: UUID, found: Located) -> bool:
    return found.takes_part or customer_id in (found.ticket.customer_id, found.customer_id)
