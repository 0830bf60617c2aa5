"""What the engine decides. Each decision carries what `evolve` and the outside world need to follow it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.router.domain.facts import Facts
from services.router.domain.floor_decision import FloorDecision
from services.router.domain.policy import Requirements, Step
from services.router.domain.reasons import Reasons
from services.router.domain.sla_clock import SlaClock
from services.router.domain.work_item import OfferState, Raised
from shared.vocabulary import AssignmentMode, ChannelKind, Priority, TicketStatus, WorkState


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketLearned:
    """The router knows this of the ticket now."""

    ticket_id: UUID
    facts: Facts | None
    status: TicketStatus
    early: tuple[Raised, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNoted:
    """The ticket's call is over: what is still to be done for it is no call."""

    ticket_id: UUID
    call_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ClocksSet:
    """These are the ticket's SLA clocks now: what waits may have another place."""

    ticket_id: UUID
    clocks: tuple[SlaClock, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkQueued:
    """A new work item waits; at the front of its line where it is expedited.

    held_until: only its preferred agent is asked before; ignores_capacity: whatever they have in hand
    """

    work_id: UUID
    ticket_id: UUID
    channel: str
    channel_kind: ChannelKind
    base: Requirements
    steps: tuple[Step, ...]
    rule: str
    priority: Priority
    preferred_agent_id: str | None
    reasons: Reasons
    is_expedited: bool = False
    held_until: datetime | None = None
    ignores_capacity: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOpened:
    """The item's requirements are loosened by one more step.

    is_early: before its time, because nobody could be asked; is_last: none comes after it
    """

    work_id: UUID
    previous_queue: str
    requirements: Requirements
    reasons: Reasons
    is_early: bool = False
    is_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOffered:
    """An agent is asked.

    over_capacity: they have no room for it, and come first for it whatever they have in hand
    """

    work_id: UUID
    offer_id: UUID
    agent_id: str
    expires_at: datetime
    reasons: Reasons
    over_capacity: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkAssigned:
    """An agent has it.

    done_by: until when, where it is a partner's and has to be done in time
    over_capacity: they had no room for it, and somebody gave it to them all the same
    """

    work_id: UUID
    agent_id: str
    offer_id: UUID | None
    mode: AssignmentMode
    reasons: Reasons
    done_by: datetime | None = None
    over_capacity: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferEnded:
    """An offer is over without being accepted. A refusal excludes the agent."""

    offer_id: UUID
    work_id: UUID
    agent_id: str
    state: OfferState
    reason: str
    is_refusal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRequeued:
    """The item waits again.

    previous: what it was before; restarts: it begins anew with `base` and `steps`
    excluded: the agent who is not to get it back at once
    previous_offer_id: the offer by which its agent had it
    preferred_agent_id: the agent who is asked first from now on; none: as before
    held_until, ignores_capacity: as where work is queued
    escalation_id: the escalation that moved it to another queue or tier
    is_expedited: whether the rule puts it at the front of its line
    """

    work_id: UUID
    previous: WorkState
    previous_queue: str
    previous_agent_id: str | None
    base: Requirements
    steps: tuple[Step, ...]
    restarts: bool
    is_moved: bool
    reason: str
    reasons: Reasons
    rule: str | None = None
    excluded: str | None = None
    previous_offer_id: UUID | None = None
    preferred_agent_id: str | None = None
    held_until: datetime | None = None
    ignores_capacity: bool = False
    escalation_id: UUID | None = None
    is_expedited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expedited:
    """The item is at the front of whatever line it waits in from now on."""

    work_id: UUID
    reason: str
    reasons: Reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityChanged:
    """The item is more or less pressing: its ticket's priority changed, or an escalation raised it."""

    work_id: UUID
    priority: Priority
    raised_by: int
    reason: str
    reasons: Reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationRefused:
    """Something that an escalation asks is not done.

    work_id: none where nobody is needed any more; wanted: what it asked for; reason: why not, both in words
    """

    ticket_id: UUID
    work_id: UUID | None
    escalation_id: UUID
    wanted: str
    reason: str
    reasons: Reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEnded:
    """The item no longer waits for this agent alone."""

    work_id: UUID
    agent_id: str
    reasons: Reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpStarted:
    """The ticket is solved, or its call is over; the agent finishes up."""

    work_id: UUID
    until: datetime
    reason: str = "solved"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCompleted:
    """The agent is done with it."""

    work_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCancelled:
    """It needs no agent any more."""

    work_id: UUID
    previous: WorkState
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadParked:
    """The ticket waits for its customer: the agent keeps it and has room for more."""

    work_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReturned:
    """The customer answered: the item counts again, over the agent's capacity if need be."""

    work_id: UUID
    over_capacity: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnScheduled:
    """The item goes back to its queue at this time, unless its agent comes back; none: it stays."""

    work_id: UUID
    at: datetime | None


Decision = (
    TicketLearned
    | ClocksSet
    | CallNoted
    | WorkQueued
    | StepOpened
    | WorkOffered
    | WorkAssigned
    | OfferEnded
    | WorkRequeued
    | Expedited
    | PriorityChanged
    | HoldEnded
    | EscalationRefused
    | WrapUpStarted
    | WorkCompleted
    | WorkCancelled
    | LoadParked
    | LoadReturned
    | ReturnScheduled
    | FloorDecision
)
