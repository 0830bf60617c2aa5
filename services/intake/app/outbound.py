"""Turns facts of the domain into the contracts of topic `tickets`, and into their places in timelines."""

import re
from collections.abc import Iterable
from typing import assert_never

from services.intake.app.ports import Told
from services.intake.domain.customer import Customer
from services.intake.domain.ticket import (
    CallEnded,
    Change,
    Erased,
    Fact,
    Merged,
    Opened,
    Rated,
    Received,
    Replied,
    StatusChanged,
    Ticket,
    Updated,
)
from shared.events.contract import Contract
from shared.events.envelope import Cause, new_event
from shared.events.tickets import (
    CallEndedV1,
    CustomerFacts,
    MessageReceivedV1,
    ReplySentV1,
    TicketErasedV1,
    TicketFacts,
    TicketMergedV1,
    TicketOpenedV1,
    TicketRatedV1,
    TicketStatusChangedV1,
    TicketUpdatedV1,
)
from shared.ids import IdFactory

_AGENT = re.compile(r"(?![0-9]{7})[a-z0-9][a-z0-9_-]{0,62}\Z")
"""What names an agent, and is no telephone number: those stay in intake."""


def tell(change: Change, customer: Customer, cause: Cause, ids: IdFactory) -> list[Told]:
    """The events of a change, in order, each in its place in the ticket's timeline."""
    ticket = change.ticket
    return [
        Told(
            ticket.ticket_id,
            entry,
            new_event(
                _contract(fact, ticket, customer),
                event_id=ids.new(),
                service="intake",
                workspace_id=ticket.workspace_id,
                sequence=sequence,
                time=ticket.last_event_at,
                cause=cause,
            ),
        )
        for sequence, entry, fact in change.numbered()
    ]


def kept_apart(told: Iterable[Told]) -> list[Told]:
    """The events that timelines keep: the others show in the ticket and the messages that they are about."""
    shown = (TicketOpenedV1, MessageReceivedV1, ReplySentV1)
    return [item for item in told if not isinstance(item.event.data, shown)]


def facts_of(ticket: Ticket, customer: Customer) -> TicketFacts:
    """What others decide by. Labels leave intake; names, addresses and texts do not."""
    return TicketFacts(
        channel=ticket.channel,
        channel_kind=ticket.channel_kind,
        customer=CustomerFacts(
            customer_id=customer.customer_id,
            tier=customer.tier,
            language=customer.language,
            organisation_id=customer.organisation_id,
        ),
        labels=ticket.labels,
        priority=ticket.priority,
        language=ticket.language,
    )


def _contract(fact: Fact, ticket: Ticket, customer: Customer) -> Contract:
    ticket_id = ticket.ticket_id
    match fact:
        case Opened():
            return TicketOpenedV1(
                ticket_id=ticket_id,
                ticket_number=ticket.number,
                facts=facts_of(ticket, customer),
                opened_by=ticket.opened_by,
                follow_up_of=ticket.follow_up_of,
                received_at=fact.received_at,
            )
        case Received():
            return MessageReceivedV1(
                ticket_id=ticket_id,
                message_id=fact.message_id,
                channel=fact.channel,
                channel_kind=fact.channel_kind,
                machine=fact.machine,
                is_public=fact.is_public,
                received_at=fact.received_at,
            )
        case Replied():
            return ReplySentV1(
                ticket_id=ticket_id,
                message_id=fact.message_id,
                channel=fact.channel,
                channel_kind=fact.channel_kind,
                author_kind=fact.author_kind,
                author_id=fact.author_id,
                purpose=fact.purpose,
            )
        case StatusChanged():
            return TicketStatusChangedV1(
                ticket_id=ticket_id,
                previous=fact.previous,
                status=fact.status,
                cause=fact.cause,
                actor_kind=fact.actor.kind,
                actor_id=fact.actor.actor_id,
            )
        case Updated():
            return TicketUpdatedV1(
                ticket_id=ticket_id,
                facts=facts_of(ticket, customer),
                changed=fact.changed,
                actor_kind=fact.actor.kind,
                actor_id=fact.actor.actor_id,
            )
        case Merged():
            return TicketMergedV1(
                ticket_id=ticket_id,
                target_ticket_id=fact.target_ticket_id,
                previous=fact.previous,
                actor_kind=fact.actor.kind,
                actor_id=fact.actor.actor_id,
            )
        case CallEnded():
            return _call_ended(fact, ticket)
        case Rated():
            return TicketRatedV1(
                ticket_id=ticket_id,
                kind=fact.kind,
                score=fact.score,
                scale=fact.scale,
                agent_id=fact.agent_id,
                revision=fact.revision,
            )
        case Erased():
            return TicketErasedV1(ticket_id=ticket_id)
        case _:
            assert_never(fact)


def _call_ended(fact: CallEnded, ticket: Ticket) -> CallEndedV1:
    call = fact.summary
    return CallEndedV1(
        ticket_id=ticket.ticket_id,
        call_id=fact.call_id,
        revision=fact.revision,
        channel=fact.channel,
        outcome=call.outcome,
        agent_id=call.agent if call.agent and _AGENT.match(call.agent) else None,
        transfers=call.transfers,
        ivr_s=call.ivr_s,
        queue_s=call.queue_s,
        ring_s=call.ring_s,
        talk_s=call.talk_s,
        hold_s=call.hold_s,
        wrap_s=call.wrap_s,
        started_at=call.started_at,
        answered_at=call.answered_at,
        ended_at=call.ended_at,
    )
