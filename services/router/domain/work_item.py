"""Work items and offers: one live item for each ticket that needs an agent."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from services.router.domain.facts import Facts
from services.router.domain.policy import Requirements, Step, relaxed
from services.router.domain.sla_clock import SlaClock
from shared.vocabulary import ChannelKind, Priority, TicketStatus, WorkState

MOST_RAISED = len(Priority) - 1
"""By so much even the least pressing is as pressing as can be."""

PARKED = frozenset({TicketStatus.PENDING, TicketStatus.ON_HOLD})
"""Statuses in which a ticket waits for somebody outside: whoever has it keeps it."""

_HELD_WHILE_PARKED = frozenset({ChannelKind.VOICE, ChannelKind.CHAT})
"""Channels on which a ticket that waits for its customer still occupies its agent."""

AFTER_CALL = ChannelKind.EMAIL
"""As what the rest of a call counts: for as long as a ticket is open nobody keeps the place of a call for it."""


def waits_for_customer(kind: ChannelKind, status: TicketStatus) -> bool:
    """Whether work on a channel of this kind leaves its agent room for other work, for its ticket's status."""
    return status in PARKED and kind not in _HELD_WHILE_PARKED


class OfferState(StrEnum):
    """Where an offer stands. All but pending are final."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(slots=True, kw_only=True)
class Offer:
    """An item held out to an agent. While it is pending it holds their capacity."""

    offer_id: UUID
    work_id: UUID
    ticket_id: UUID
    agent_id: str
    state: OfferState = OfferState.PENDING
    offered_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class Ticket:
    """What the router knows of a ticket.

    facts: none until `ticket.opened` has been read: topics are not ordered against each other
    early: raised escalations that arrived before it, as (escalation id, action)
    ended_call: the last call that was answered and is over
    clocks: its SLA clocks that have not ended, whether it is known already or not
    """

    ticket_id: UUID
    facts: Facts | None = None
    status: TicketStatus = TicketStatus.NEW
    last_agent_id: str | None = None
    work_id: UUID | None = None
    early: tuple["Raised", ...] = ()
    ended_call: UUID | None = None
    clocks: tuple[SlaClock, ...] = ()

    def work_kind(self, kind: ChannelKind) -> ChannelKind:
        """As what its work counts: when the call is over, what remains of it is done at a desk, as a mail is."""
        is_over = kind is ChannelKind.VOICE and self.ended_call is not None
        return AFTER_CALL if is_over else kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What an escalation asks of the work item.

    agent_id: to whom it is handed; widen: whether everybody is asked who would be asked later on
    """

    escalation_id: UUID
    raise_by: int = 0
    queue: str | None = None
    support_tier: int | None = None
    agent_id: str | None = None
    widen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """An escalation took an item away from this place."""

    escalation_id: UUID
    queue: str
    support_tier: int


class Only(NamedTuple):
    """The one agent for whom an item is held; ignores_capacity: whatever they have in hand."""

    agent_id: str
    ignores_capacity: bool


@dataclass(slots=True, kw_only=True)
class WorkItem:
    """A ticket on its way to an agent, and with one. The engine changes it in place.

    base: what the policy, or whoever moved it, asks for
    requirements: what an agent must have now: that, loosened by the steps so far
    is_moved: by hand or by an escalation: the policy does not bring it back
    raised_by: by how much escalations have made it more pressing than its ticket
    departures: from where escalations have moved it, once for each place
    is_expedited: at the front of whatever line it waits in, for as long as it lives
    queued_at: its age; survives declines, expiries and requeues
    started_at: from when its relaxation steps are counted
    stint_at: when the present stay in a queue began
    held_until: only its preferred agent is asked before; ignores_capacity: whatever they have in hand
    refused_by: agent -> how often they had been available when they refused
    done_by: when it falls back to the house, while a partner has it
    offers: pending ones -> whom they ask
    in_line: whether it stands in its class's line, as what waits for (more) agents does
    over_capacity: it bears on its agent although they had no room for it: given by hand, or answered again
    bears_load: false while its ticket is pending: the agent keeps it and has room for more
    counted: as what its queue's tally has it
    """

    work_id: UUID
    ticket_id: UUID
    channel: str
    channel_kind: ChannelKind
    state: WorkState = WorkState.QUEUED
    base: Requirements
    steps: tuple[Step, ...] = ()
    step: int = 0
    is_moved: bool = False
    rule: str
    policy_version: int
    priority: Priority
    raised_by: int = 0
    departures: tuple[Departure, ...] = ()
    is_expedited: bool = False
    queued_at: datetime
    started_at: datetime
    stint_at: datetime
    preferred_agent_id: str | None = None
    held_until: datetime | None = None
    ignores_capacity: bool = False
    refused_by: dict[str, int] = field(default_factory=dict)
    offers: dict[UUID, str] = field(default_factory=dict)
    agent_id: str | None = None
    assigned_at: datetime | None = None
    accepted_offer_id: UUID | None = None
    wrapping_at: datetime | None = None
    wrap_until: datetime | None = None
    return_at: datetime | None = None
    done_by: datetime | None = None
    bears_load: bool = True
    ended_at: datetime | None = None
    over_capacity: bool = False
    stamp: int = 0
    in_line: bool = False
    sequence: int = 0
    last_event_at: datetime
    counted: tuple[str, WorkState, bool] | None = field(default=None, compare=False, repr=False)
    requirements: Requirements = field(init=False)

    def __post_init__(self) -> None:
        self.ask(self.base, self.steps, self.step)

    def ask(self, base: Requirements, steps: tuple[Step, ...], step: int) -> None:
        """Sets what it asks for; the only way to do so."""
        self.base, self.steps, self.step = base, steps, step
        self.requirements = relaxed(base, steps[:step])

    @property
    def is_waiting(self) -> bool:
        """Whether nobody has it yet, be it offered or not."""
        return self.state in (WorkState.QUEUED, WorkState.OFFERED)

    @property
    def held_for(self) -> Only | None:
        """The one agent who may be asked for it now, if there is one."""
        if self.held_until is None or self.preferred_agent_id is None:
            return None
        return Only(self.preferred_agent_id, self.ignores_capacity)

    @property
    def opens_early(self) -> bool:
        """Whether its next step opens at once while nobody can be asked."""
        return self.step < len(self.steps) and self.steps[self.step].opens_early

    @property
    def next_step_after(self) -> timedelta | None:
        """How long after its start its requirements are loosened next."""
        return self.steps[self.step].after if self.step < len(self.steps) else None

    def leave(self, escalation_id: UUID) -> None:
        """An escalation takes it away from where it is."""
        now = self.requirements
        if not any((each.queue, each.support_tier) == (now.queue, now.support_tier) for each in self.departures):
            departure = Departure(escalation_id=escalation_id, queue=now.queue, support_tier=now.support_tier)
            self.departures = (*self.departures, departure)

    def left_by_other(self, escalation_id: UUID, place: Requirements) -> bool:
        """Whether another escalation has taken it away from this queue and tier."""
        return any(
            (each.queue, each.support_tier) == (place.queue, place.support_tier)
            and each.escalation_id != escalation_id
            for each in self.departures
        )
