"""Turns events of other services into inputs of the engine."""

from collections.abc import Iterable
from uuid import UUID

from services.router.app.inbound_clocks import to_clock
from services.router.domain import inputs
from services.router.domain.facts import Facts
from services.router.domain.work_item import Raised
from shared.events.envelope import Event
from shared.events.escalations import Action, ClockContract, EscalationRaisedV2, RaisePriority, Requeue
from shared.events.tickets import (
    CallEndedV1,
    TicketErasedV1,
    TicketFacts,
    TicketMergedV1,
    TicketOpenedV1,
    TicketSnapshotV1,
    TicketStatusChangedV1,
    TicketUpdatedV1,
)
from shared.vocabulary import CallOutcome, TicketStatus


def to_input(event: Event) -> inputs.Input | None:
    """What an event means to the engine; None where it means nothing."""
    match event.data:
        case TicketOpenedV1() as opened:
            return inputs.TicketKnown(
                ticket_id=opened.ticket_id, facts=_facts(opened.facts), status=TicketStatus.NEW
            )
        case TicketUpdatedV1() as updated:
            return inputs.TicketKnown(ticket_id=updated.ticket_id, facts=_facts(updated.facts), status=None)
        case TicketSnapshotV1() as snapshot:
            return inputs.TicketKnown(
                ticket_id=snapshot.ticket_id, facts=_facts(snapshot.facts), status=snapshot.status
            )
        case TicketStatusChangedV1() as changed:
            return inputs.TicketStatusSet(ticket_id=changed.ticket_id, status=changed.status)
        case TicketMergedV1() as merged:
            return inputs.TicketGone(ticket_id=merged.ticket_id)
        case CallEndedV1(outcome=CallOutcome.ANSWERED) as call:
            return inputs.CallEnded(ticket_id=call.ticket_id, call_id=call.call_id)
        case EscalationRaisedV2(ticket_id=UUID() as ticket_id, escalation_id=escalation_id, action=action):
            return _raised(ticket_id, escalation_id, action)
        case ClockContract() as clock:
            return to_clock(clock, event.time)
        case _:
            return None


def erased_tickets(events: Iterable[Event]) -> set[tuple[str, UUID]]:
    """Workspace and id of the tickets whose customers were erased. That decides nothing."""
    return {
        (event.workspace_id, event.data.ticket_id) for event in events if isinstance(event.data, TicketErasedV1)
    }


def _raised(ticket_id: UUID, escalation_id: UUID, action: Action) -> inputs.EscalationRaised | None:
    match action:
        case RaisePriority(by=by):
            raised = Raised(escalation_id=escalation_id, raise_by=by)
        case Requeue() as moves:
            raised = Raised(
                escalation_id=escalation_id,
                queue=moves.queue,
                support_tier=moves.support_tier,
                agent_id=moves.agent_id,
                widen=moves.widen,
            )
        case _:
            return None
    return inputs.EscalationRaised(ticket_id=ticket_id, raised=raised)


def _facts(facts: TicketFacts) -> Facts:
    return Facts(
        channel=facts.channel,
        channel_kind=facts.channel_kind,
        priority=facts.priority,
        labels=facts.labels,
        language=facts.language,
        customer_tier=facts.customer.tier,
        customer_language=facts.customer.language,
        organisation_id=facts.customer.organisation_id,
    )
