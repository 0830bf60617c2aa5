"""How a request begins, by whatever channel it comes: its customer, where they are new, and its ticket."""

from datetime import datetime
from uuid import UUID

from services.intake.domain.classification import Classification
from services.intake.domain.customer import Customer
from services.intake.domain.lifecycle import open_ticket
from services.intake.domain.message import Sender
from services.intake.domain.ticket import Change, Ticket
from services.intake.domain.workspace import Channel, Workspace
from shared.vocabulary import ActorKind, Priority, TicketStatus


def new_customer(workspace_id: str, customer_id: UUID, sender: Sender, workspace: Workspace) -> Customer:
    """Somebody who was not known, as far as their address tells who they are."""
    organisation = workspace.organisation_of(sender.identity)
    return Customer(
        workspace_id=workspace_id,
        customer_id=customer_id,
        name=sender.name,
        tier=workspace.tier_of(organisation),
        language=organisation.language if organisation else None,
        time_zone=None,
        organisation_id=organisation.organisation_id if organisation else None,
    )


def opened_ticket(
    customer: Customer,
    channel: Channel,
    classified: Classification,
    *,
    ticket_id: UUID,
    number: int,
    subject: str,
    follow_up_of: UUID | None,
    now: datetime,
) -> Change:
    """A new ticket of this customer."""
    ticket = Ticket(
        workspace_id=customer.workspace_id,
        ticket_id=ticket_id,
        number=number,
        status=TicketStatus.NEW,
        priority=classified.priority or Priority.NORMAL,
        labels=classified.labels,
        sources=classified.sources,
        subject=subject,
        channel=channel.channel_id,
        channel_kind=channel.kind,
        customer_id=customer.customer_id,
        language=classified.language or customer.language or channel.language,
        opened_by=ActorKind.CUSTOMER,
        opened_at=now,
        updated_at=now,
        follow_up_of=follow_up_of,
        last_event_at=now,
    )
    return open_ticket(ticket, now)
