"""Receives a group of inbound messages: each joins its ticket or opens one, all in one commit.

A message that a rule refuses fails alone; the others of its group are received. Messages are taken in the
order in which they stand, so that two of one sender end in one ticket as they were written.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.intake.app.outbound import to_events
from services.intake.app.ports import (
    Conversations,
    DedupeKey,
    IdentityKey,
    Receipt,
    StoredMessage,
    TicketKey,
    Workspaces,
)
from services.intake.domain.classification import classify
from services.intake.domain.conversation import Place, place
from services.intake.domain.customer import Customer
from services.intake.domain.message import Disposition, InboundMessage
from services.intake.domain.ticket import Change, Received, Ticket, open_ticket, receive
from services.intake.domain.workspace import Channel, Workspace
from shared.db.unit_of_work import Tx
from shared.errors import DomainError
from shared.events.envelope import Cause, Event
from shared.ids import IdFactory
from shared.vocabulary import ActorKind, TicketStatus


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message with what set it off."""

    message: InboundMessage
    cause: Cause


async def receive_messages(
    arrivals: Sequence[Arrival],
    *,
    tx: Tx,
    conversations: Conversations,
    workspaces: Workspaces,
    ids: IdFactory,
) -> list[Receipt | DomainError]:
    """What became of each message, in order; a refusal stands in its place as an error."""
    messages = [arrival.message for arrival in arrivals]
    configured = await workspaces.load(tx, {message.workspace_id for message in messages})
    receipts = await conversations.receipts(tx, {key for message in messages if (key := _dedupe_key(message))})
    fresh = [message for message in messages if _dedupe_key(message) not in receipts]
    senders = {sender for message in fresh if (sender := _identity_key(message))}
    customers = await conversations.lock_customers(tx, senders)
    tickets = await conversations.lock_tickets(tx, {key for message in fresh for key in _ticket_keys(message)})
    # An upper bound: a number that nobody takes is a gap, and gaps are allowed.
    may_open = Counter(message.workspace_id for message in fresh if not _joins(message, tickets))
    group = _Group(
        configured=configured,
        receipts=receipts,
        customers=customers,
        aliases={key: (key[0], ticket.ticket_id) for key, ticket in tickets.items()},
        tickets={(ticket.workspace_id, ticket.ticket_id): ticket for ticket in tickets.values()},
        numbers=await conversations.take_numbers(tx, may_open),
        ids=ids,
        now=await tx.now(),
    )
    results = [group.take(arrival) for arrival in arrivals]
    await conversations.add_customers(tx, group.new_customers)
    await conversations.save_tickets(tx, list(group.changed.values()))
    await conversations.add_messages(tx, group.stored)
    tx.emit(group.events)
    return results


@dataclass(slots=True, kw_only=True)
class _Group:
    """The messages of one commit, folded in memory in their order."""

    configured: Mapping[str, Workspace]
    receipts: dict[DedupeKey, Receipt]
    customers: dict[IdentityKey, Customer]
    aliases: dict[TicketKey, TicketKey]
    tickets: dict[TicketKey, Ticket]
    numbers: dict[str, int]
    ids: IdFactory
    now: datetime
    new_customers: dict[IdentityKey | UUID, Customer] = field(default_factory=dict)
    changed: dict[TicketKey, Ticket] = field(default_factory=dict)
    stored: list[StoredMessage] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def take(self, arrival: Arrival) -> Receipt | DomainError:
        """Folds one message. A refusal leaves nothing behind."""
        message = arrival.message
        key = _dedupe_key(message)
        if key and (first := self.receipts.get(key)):
            return Receipt(
                ticket_id=first.ticket_id,
                ticket_number=first.ticket_number,
                message_id=first.message_id,
                disposition=Disposition.DUPLICATE,
            )
        try:
            receipt = self._receive(arrival)
        except DomainError as refusal:
            return refusal
        if key:
            self.receipts[key] = receipt
        return receipt

    def _receive(self, arrival: Arrival) -> Receipt:
        message = arrival.message
        channel = self.configured[message.workspace_id].channel(message.channel)
        customer, is_new = self._customer(message)
        found = place(message, self._known(message), customer.customer_id)
        if found.ticket is None:
            change = self._open(message, channel, customer, found)
            disposition = Disposition.OPENED
        else:
            received = self._received(message, channel, is_public=found.is_participant)
            change = receive(found.ticket, received, self.now, may_reopen=True)
            is_reopened = found.ticket.status is TicketStatus.SOLVED and change.ticket.status is TicketStatus.OPEN
            disposition = Disposition.REOPENED if is_reopened else Disposition.APPENDED
        if is_new:
            self._remember(message, customer)
        ticket = change.ticket
        self.tickets[ticket.workspace_id, ticket.ticket_id] = ticket
        self.changed[ticket.workspace_id, ticket.ticket_id] = ticket
        self.events.extend(to_events(change, customer, arrival.cause, self.ids))
        self.stored.append(
            StoredMessage(
                message=message,
                channel_kind=channel.kind,
                ticket_id=ticket.ticket_id,
                customer_id=customer.customer_id,
                is_public=found.is_participant,
                disposition=disposition,
                received_at=self.now,
            )
        )
        return Receipt(
            ticket_id=ticket.ticket_id,
            ticket_number=ticket.number,
            message_id=message.message_id,
            disposition=disposition,
        )

    def _customer(self, message: InboundMessage) -> tuple[Customer, bool]:
        key = _identity_key(message)
        if key and (known := self.customers.get(key)):
            return known, False
        workspace = self.configured[message.workspace_id]
        organisation = workspace.organisation_of(message.sender.identity)
        return Customer(
            workspace_id=message.workspace_id,
            customer_id=self.ids.new(),
            name=message.sender.name,
            tier=workspace.tier_of(organisation),
            language=organisation.language if organisation else None,
            time_zone=None,
            organisation_id=organisation.organisation_id if organisation else None,
        ), True

    def _remember(self, message: InboundMessage, customer: Customer) -> None:
        key = _identity_key(message)
        if key:
            self.customers[key] = customer
        self.new_customers[key or customer.customer_id] = customer

    def _known(self, message: InboundMessage) -> dict[UUID, Ticket]:
        return {key[1]: self.tickets[self.aliases[key]] for key in _ticket_keys(message) if key in self.aliases}

    def _open(self, message: InboundMessage, channel: Channel, customer: Customer, found: Place) -> Change:
        workspace = self.configured[message.workspace_id]
        classified = classify(message, channel.kind, customer, workspace.rules)
        number = self.numbers[message.workspace_id]
        self.numbers[message.workspace_id] = number + 1
        ticket = Ticket(
            workspace_id=message.workspace_id,
            ticket_id=self.ids.new(),
            number=number,
            status=TicketStatus.NEW,
            priority=classified.priority,
            labels=classified.labels,
            subject=message.subject,
            channel=message.channel,
            channel_kind=channel.kind,
            customer_id=customer.customer_id,
            language=message.language or customer.language or channel.language,
            opened_by=ActorKind.CUSTOMER,
            opened_at=self.now,
            updated_at=self.now,
            follow_up_of=found.follow_up_of,
            last_event_at=self.now,
        )
        opened = open_ticket(ticket, self.now)
        received = self._received(message, channel, is_public=True)
        return opened.then(receive(opened.ticket, received, self.now, may_reopen=False))

    def _received(self, message: InboundMessage, channel: Channel, *, is_public: bool) -> Received:
        return Received(
            message_id=message.message_id,
            channel=message.channel,
            channel_kind=channel.kind,
            machine=message.machine,
            is_public=is_public,
            received_at=self.now,
        )


def _dedupe_key(message: InboundMessage) -> DedupeKey | None:
    if message.dedupe_key is None:
        return None
    return message.workspace_id, message.channel, message.dedupe_key


def _identity_key(message: InboundMessage) -> IdentityKey | None:
    if message.sender.identity is None:
        return None
    return message.workspace_id, message.sender.identity


def _ticket_keys(message: InboundMessage) -> list[TicketKey]:
    named = [message.ticket_id] if message.ticket_id else []
    return [(message.workspace_id, ticket_id) for ticket_id in (*named, *message.thread_ticket_ids)]


def _joins(message: InboundMessage, tickets: Mapping[TicketKey, Ticket]) -> bool:
    found = [tickets[key] for key in _ticket_keys(message) if key in tickets]
    return any(ticket.status is not TicketStatus.CLOSED for ticket in found[:1])
