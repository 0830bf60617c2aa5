"""A message to a customer: what it does to its ticket, and the message itself."""

from datetime import datetime
from uuid import UUID

from services.intake.domain.lifecycle import reply
from services.intake.domain.message import MessageKind, StaffMessage
from services.intake.domain.template import Rendered
from services.intake.domain.ticket import Actor, Change, Replied, Ticket
from services.intake.domain.whatsapp import WhatsAppTemplate
from shared.vocabulary import AuthorKind, ChannelKind, Purpose


def outbound_message(
    ticket: Ticket,
    said: Rendered,
    now: datetime,
    *,
    message_id: UUID,
    purpose: Purpose,
    actor: Actor,
    author: tuple[AuthorKind, str],
    leaves: bool,
    channel: tuple[str, ChannelKind] | None = None,
    template: WhatsAppTemplate | None = None,
    recipient: str | None = None,
    stays_in_chat: bool = False,
) -> tuple[Change, StaffMessage]:
    """The ticket with it, and the message, in its place in the timeline.

    channel: by which it goes, if not by the ticket's
    leaves, template, recipient, stays_in_chat: as in `StaffMessage`
    Raises IllegalTransition on a closed ticket.
    """
    name, kind = channel or (ticket.channel, ticket.channel_kind)
    author_kind, author_id = author
    sent = Replied(
        message_id=message_id,
        channel=name,
        channel_kind=kind,
        author_kind=author_kind,
        author_id=None if author_kind is AuthorKind.SYSTEM else author_id,
        purpose=purpose,
    )
    change = reply(ticket, sent, actor, now)
    message = StaffMessage(
        workspace_id=ticket.workspace_id,
        message_id=message_id,
        ticket_id=ticket.ticket_id,
        entry=change.ticket.entries - len(change.facts) + 1,
        kind=MessageKind.OUTBOUND,
        channel=name,
        channel_kind=kind,
        author_kind=author_kind,
        author_id=author_id,
        purpose=purpose,
        text=said.text,
        html=said.html,
        subject=said.subject,
        created_at=change.ticket.last_event_at,
        leaves=leaves,
        template=template,
        recipient=recipient,
        stays_in_chat=stays_in_chat,
    )
    return change, message
