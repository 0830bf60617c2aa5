"""Receives a group of inbound messages: each joins its ticket or opens one, all in one commit.

A message that a rule refuses fails alone; the others of its group are received. Messages are taken in the
order in which they stand, so that two of one sender end in one ticket as they were written.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.intake.app.message_group import MessageGroup
from services.intake.app.message_keys import address, dedupe_key, identity_key, sender_key, thread_key
from services.intake.app.outbound import kept_apart
from services.intake.app.phone import phone_identity
from services.intake.app.pointers import Pointers, asks_for_newest
from services.intake.app.ports import (
    Conversations,
    CustomerKey,
    DedupeKey,
    IdentityKey,
    Presence,
    Receipt,
    TicketKey,
    Workspaces,
)
from services.intake.domain.conversation import Located
from services.intake.domain.customer import Customer
from services.intake.domain.message import IdentityKind, InboundMessage
from services.intake.domain.reopening import WINDOW
from services.intake.domain.ticket import Ticket
from services.intake.domain.workspace import Workspace
from shared.clock import monotonic
from shared.db.unit_of_work import Tx
from shared.errors import DomainError
from shared.events.envelope import Cause
from shared.ids import IdFactory
from shared.vocabulary import TicketStatus

_AT_A_STRETCH_S = 0.05


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
    configured = await workspaces.load(tx, {arrival.message.workspace_id for arrival in arrivals})
    messages = [_with_known_number(arrival.message, configured) for arrival in arrivals]
    receipts = await _receipts(messages, tx=tx, conversations=conversations)
    fresh = [message for message in messages if dedupe_key(message) not in receipts]
    senders = {sender for message in fresh if (sender := identity_key(message))}
    customers = await conversations.lock_customers(tx, senders)
    writers = [_writer(message, customers) for message in fresh]
    written = list(zip(fresh, writers, strict=True))
    pointers = await _pointers(written, tx=tx, conversations=conversations)
    pointed = [pointers.tickets(message, writer) for message, writer in written]
    located = await conversations.lines(tx, {key for keys in pointed for key in keys})
    # An upper bound: a number that nobody takes is a gap, and gaps are allowed.
    may_open = Counter(
        message.workspace_id
        for message, writer in written
        if not _joins(pointers.sure_tickets(message, writer), located)
    )
    numbers = await conversations.take_numbers(tx, may_open)
    now = await tx.now()
    tickets = {(key[0], found.ticket.ticket_id): found.ticket for key, found in located.items()}
    solved = [key for key, ticket in tickets.items() if ticket.status is TicketStatus.SOLVED]
    reopeners = {(customer.workspace_id, customer.customer_id) for customer in customers.values()}
    group = MessageGroup(
        configured=configured,
        receipts=receipts,
        customers=customers,
        located=located,
        pointers=pointers,
        tickets=tickets,
        numbers=numbers,
        owners=await conversations.customers(tx, _owners(tickets, pointed, located)),
        present=await conversations.present(tx, _strangers(written, pointed, located)),
        reopenings=Counter(await conversations.reopenings(tx, solved, reopeners if solved else (), now - WINDOW)),
        ids=ids,
        now=now,
    )
    results: list[Receipt | DomainError] = []
    begun_s = monotonic()
    for message, arrival in zip(messages, arrivals, strict=True):
        results.append(group.take(message, arrival.cause))
        if monotonic() - begun_s > _AT_A_STRETCH_S:
            # Many rules take their time: others have their turn, and the transaction is not left idle.
            await tx.now()
            begun_s = monotonic()
    await conversations.add_customers(tx, group.new_customers)
    await conversations.add_tickets(tx, list(group.opened.values()))
    await conversations.save_tickets(tx, list(group.changed.values()))
    await conversations.add_presences(tx, group.joined)
    await conversations.keep_threads(tx, pointers.moved, pointers.known)
    await conversations.plan_notices(tx, group.notices)
    await conversations.add_messages(tx, group.stored)
    await conversations.add_refusals(tx, group.refusals)
    await conversations.add_told(tx, kept_apart(group.told))
    tx.emit(told.event for told in group.told)
    return results


async def _receipts(
    messages: Sequence[InboundMessage], *, tx: Tx, conversations: Conversations
) -> dict[DedupeKey, Receipt]:
    """What became of those that were received before. That one was refused says nothing once it is let in."""
    keys = {key: message.is_released for message in messages if (key := dedupe_key(message))}
    found = await conversations.receipts(tx, keys)
    return {key: receipt for key, receipt in found.items() if receipt.ticket_id or not keys[key]}


def _owners(
    tickets: Mapping[TicketKey, Ticket],
    pointed: Sequence[Sequence[TicketKey]],
    located: Mapping[TicketKey, Located],
) -> set[CustomerKey]:
    """The customers of tickets of whom more may have to be told than that somebody has written."""
    told = {key for key, ticket in tickets.items() if ticket.status is TicketStatus.SOLVED}
    for keys in pointed:
        several = {(key[0], located[key].ticket.ticket_id) for key in keys if key in located}
        told |= several if len(several) > 1 else set()
    return {(key[0], tickets[key].customer_id) for key in told}


def _strangers(
    written: Sequence[tuple[InboundMessage, UUID | None]],
    pointed: Sequence[Sequence[TicketKey]],
    located: Mapping[TicketKey, Located],
) -> dict[Presence, UUID | None]:
    """Who writes about tickets that are not theirs, as far as can be seen, with the customers that they are."""
    return {
        (key[0], found.ticket.ticket_id, address(message)): writer
        for (message, writer), keys in zip(written, pointed, strict=True)
        for key in keys
        if (found := located.get(key)) and writer not in (found.customer_id, found.ticket.customer_id)
    }


async def _pointers(
    written: Sequence[tuple[InboundMessage, UUID | None]], *, tx: Tx, conversations: Conversations
) -> Pointers:
    """What points to tickets beside what these messages say themselves; each with its writer."""
    threads = {key for message, _ in written if (key := thread_key(message))}
    senders = {sender_key(message, writer) for message, writer in written if asks_for_newest(message) and writer}
    return Pointers(
        known=await conversations.threads(tx, threads),
        newest=dict(await conversations.newest_tickets(tx, senders)),
    )


def _with_known_number(message: InboundMessage, configured: Mapping[str, Workspace]) -> InboundMessage:
    """The message with its sender's number as one number is always written."""
    identity = message.sender.identity
    if identity is None or identity.kind is not IdentityKind.PHONE:
        return message
    channel = configured[message.workspace_id].channels.get(message.channel)
    known = phone_identity(identity.value, channel.region if channel else None)
    return message if known == identity else replace(message, sender=replace(message.sender, identity=known))


def _writer(message: InboundMessage, customers: Mapping[IdentityKey, Customer]) -> UUID | None:
    """The customer who wrote it; none where they are new."""
    key = identity_key(message)
    customer = customers.get(key) if key else None
    return customer.customer_id if customer else None


def _joins(pointed: Sequence[TicketKey], located: Mapping[TicketKey, Located]) -> bool:
    """Whether it is sure to open no ticket: what is solved or closed may be continued by a new one."""
    found = next((located[key] for key in pointed if key in located), None)
    return found is not None and found.ticket.status.is_unsolved
