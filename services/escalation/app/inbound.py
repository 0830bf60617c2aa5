"""From events on the bus to what they mean for service levels."""

from uuid import UUID

from services.escalation.domain.happening import (
    AgentReplied,
    Assigned,
    CustomerWrote,
    FactsChanged,
    Happening,
    Merged,
    Opened,
    Queued,
    Requeued,
    Scored,
    StatusChanged,
    TicketSeen,
    What,
    WorkCancelled,
    WorkSeen,
)
from services.escalation.domain.ticket import Facts, Key, Rating
from shared.events.envelope import Event
from shared.events.routing import (
    WorkAssignedV1,
    WorkCancelledV1,
    WorkContract,
    WorkQueuedV1,
    WorkRequeuedV1,
    WorkSnapshotV1,
)
from shared.events.tickets import (
    MessageReceivedV1,
    ReplySentV1,
    TicketContract,
    TicketErasedV1,
    TicketFacts,
    TicketMergedV1,
    TicketOpenedV1,
    TicketRatedV1,
    TicketSnapshotV1,
    TicketStatusChangedV1,
    TicketUpdatedV1,
)
from shared.vocabulary import ActorKind, AuthorKind, MachineClass, Purpose


def ticket_of(event: Event) -> UUID | None:
    """The ticket that an event is about, if it is about one."""
    data = event.data
    return data.ticket_id if isinstance(data, TicketContract | WorkContract) else None


def erased_ticket(event: Event) -> UUID | None:
    """The ticket whose customer was erased, if the event says so."""
    return event.data.ticket_id if isinstance(event.data, TicketErasedV1) else None


def to_happening(event: Event) -> Happening | None:
    """What an event means for clocks; most mean nothing."""
    what = _what(event)
    if what is None:
        return None
    is_work = isinstance(event.data, WorkContract)
    return Happening(
        key=Key(
            phase=0 if isinstance(what, Opened) else 1,
            at=event.time,
            rank=int(is_work),
            subject=event.subject,
            sequence=event.sequence,
        ),
        event_id=event.id,
        name=event.type.removeprefix("waypost.").rpartition(".")[0],
        what=what,
    )


def _what(event: Event) -> What | None:
    match event.data:
        case TicketOpenedV1(ticket_number=number, facts=facts, opened_by=opened_by):
            return Opened(number=number, facts=_facts(facts), by_customer=opened_by is ActorKind.CUSTOMER)
        case MessageReceivedV1(machine=MachineClass.NONE, is_public=True):
            return CustomerWrote()
        case ReplySentV1(author_kind=AuthorKind.AGENT, purpose=Purpose.REPLY):
            return AgentReplied()
        case TicketUpdatedV1(facts=facts):
            return FactsChanged(_facts(facts))
        case TicketStatusChangedV1(status=status):
            return StatusChanged(status)
        case TicketMergedV1():
            return Merged()
        case TicketRatedV1(kind=kind, score=score, scale=scale, revision=revision):
            return Scored(Rating(kind=kind, score=score, scale=scale, revision=revision))
        case TicketSnapshotV1():
            return _ticket_seen(event.data)
        case WorkQueuedV1(queue=queue, support_tier=tier):
            return Queued(queue, tier)
        case WorkRequeuedV1(previous=previous, queue=queue, support_tier=tier):
            return Requeued(previous, queue, tier)
        case WorkAssignedV1(agent_id=agent_id, queue=queue, support_tier=tier):
            return Assigned(agent_id, queue, tier)
        case WorkCancelledV1():
            return WorkCancelled()
        case WorkSnapshotV1():
            return _work_seen(event.data)
        case _:
            return None


def _facts(facts: TicketFacts) -> Facts:
    return Facts(
        channel=facts.channel,
        channel_kind=facts.channel_kind,
        customer_tier=facts.customer.tier,
        customer_language=facts.customer.language,
        organisation_id=facts.customer.organisation_id,
        labels=facts.labels,
        priority=facts.priority,
        language=facts.language,
    )


def _ticket_seen(data: TicketSnapshotV1) -> TicketSeen:
    return TicketSeen(
        number=data.ticket_number,
        facts=_facts(data.facts),
        by_customer=data.opened_by is ActorKind.CUSTOMER,
        status=data.status,
        opened_at=data.opened_at,
        first_replied_at=data.first_replied_at,
        solved_at=data.solved_at,
    )


def _work_seen(data: WorkSnapshotV1) -> WorkSeen:
    return WorkSeen(
        state=data.state,
        queue=data.queue,
        support_tier=data.support_tier,
        queued_at=data.queued_at,
        agent_id=data.agent_id,
        assigned_at=data.assigned_at,
    )
