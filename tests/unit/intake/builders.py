"""Tickets, messages and customers with dull defaults."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.intake.domain.customer import Customer
from services.intake.domain.message import Identity, IdentityKind, InboundMessage, Sender
from services.intake.domain.outgoing import Outgoing
from services.intake.domain.ticket import Received, Replied, Ticket
from shared.vocabulary import (
    ActorKind,
    AuthorKind,
    ChannelKind,
    MachineClass,
    Priority,
    Purpose,
    TicketStatus,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
DAYS_4 = timedelta(days=4)


def an_id(number: int) -> UUID:
    return UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0000 + number)


def a_ticket(number: int = 1, **overrides: object) -> Ticket:
    ticket = Ticket(
        workspace_id="acme",
        ticket_id=an_id(number),
        number=number,
        status=TicketStatus.NEW,
        priority=Priority.NORMAL,
        labels={},
        subject="Help",
        channel="api",
        channel_kind=ChannelKind.API,
        customer_id=an_id(1000),
        language=None,
        opened_by=ActorKind.CUSTOMER,
        opened_at=NOW,
        updated_at=NOW,
        last_event_at=NOW,
        sequence=2,
        entries=2,
    )
    return replace(ticket, **overrides)  # type: ignore[arg-type] # a builder takes any field


def a_message(**overrides: object) -> InboundMessage:
    message = InboundMessage(
        workspace_id="acme",
        message_id=an_id(2000),
        channel="api",
        sender=Sender(identity=Identity(kind=IdentityKind.EMAIL, value="ada@example.org")),
        subject="Help",
        text="It is late.",
        text_new="It is late.",
    )
    return replace(message, **overrides)  # type: ignore[arg-type] # as above


def a_customer(**overrides: object) -> Customer:
    customer = Customer(
        workspace_id="acme",
        customer_id=an_id(1000),
        name="Ada",
        tier="standard",
        language=None,
        time_zone=None,
        organisation_id=None,
    )
    return replace(customer, **overrides)  # type: ignore[arg-type] # as above


def received(machine: MachineClass = MachineClass.NONE, *, is_public: bool = True) -> Received:
    return Received(
        message_id=an_id(2000),
        channel="api",
        channel_kind=ChannelKind.API,
        machine=machine,
        is_public=is_public,
        received_at=LATER,
    )


def replied(author_kind: AuthorKind = AuthorKind.AGENT, purpose: Purpose = Purpose.REPLY) -> Replied:
    return Replied(
        message_id=an_id(2001),
        channel="api",
        channel_kind=ChannelKind.API,
        author_kind=author_kind,
        author_id="ada",
        purpose=purpose,
    )


def an_outgoing(**overrides: object) -> Outgoing:
    outgoing = Outgoing(
        workspace_id="acme",
        message_id=an_id(3000),
        ticket_id=an_id(1),
        ticket_number=1,
        channel="support",
        channel_kind=ChannelKind.EMAIL,
        attempts=1,
        queued_at=NOW,
        author_kind=AuthorKind.AGENT,
        subject="Help",
        text="It is on its way.",
        recipient=Identity(kind=IdentityKind.EMAIL, value="ada@example.org"),
    )
    return replace(outgoing, **overrides)  # type: ignore[arg-type] # as above
