"""Topic `waypost.routing`, written by the router: who works on what, and who could."""

from typing import ClassVar
from uuid import UUID

from shared.events.contract import Contract, Instant, Part
from shared.vocabulary import AgentActivity, AgentState, AssignmentMode, ChannelKind, Priority, WorkState


class SkillLevel(Part):
    """A skill and how well it is mastered, 1 to 5."""

    skill: str
    level: int


class WorkContract(Contract):
    """About one work item."""

    aggregate: ClassVar[str] = "work"
    identity: ClassVar[str] = "work_id"

    work_id: UUID
    ticket_id: UUID


class WorkQueuedV1(WorkContract):
    """A ticket became a work item and waits in a queue."""

    name: ClassVar[str] = "work.queued"

    queue: str
    support_tier: int
    priority: Priority
    channel: str
    channel_kind: ChannelKind
    skills: tuple[SkillLevel, ...]
    rule: str
    policy_version: int
    preferred_agent_id: str | None = None


class WorkOfferedV1(WorkContract):
    """An agent was asked. Until the offer ends it holds the agent's capacity."""

    name: ClassVar[str] = "work.offered"

    offer_id: UUID
    agent_id: str
    queue: str
    support_tier: int
    expires_at: Instant


class WorkAssignedV1(WorkContract):
    """An agent has it. `queued_at` is when the stint in the queue began that ends here."""

    name: ClassVar[str] = "work.assigned"

    agent_id: str
    offer_id: UUID | None
    mode: AssignmentMode
    queue: str
    support_tier: int
    priority: Priority
    channel: str
    epoch: int
    queued_at: Instant


class WorkRequeuedV1(WorkContract):
    """It waits again. Only from assigned or wrapping, or into another queue or tier, a new stint begins."""

    name: ClassVar[str] = "work.requeued"

    previous: WorkState
    previous_queue: str
    previous_agent_id: str | None
    queue: str
    support_tier: int
    priority: Priority
    skills: tuple[SkillLevel, ...]
    reason: str


class WorkCompletedV1(WorkContract):
    """The agent is done with it, wrap-up included."""

    name: ClassVar[str] = "work.completed"

    agent_id: str
    queue: str
    support_tier: int
    channel: str
    accepted_at: Instant
    wrapping_at: Instant
    completed_at: Instant


class WorkCancelledV1(WorkContract):
    """It needs no agent any more: closed, merged, abandoned."""

    name: ClassVar[str] = "work.cancelled"

    previous: WorkState
    queue: str
    agent_id: str | None
    reason: str


class OfferDeclinedV1(WorkContract):
    """The agent refused. reason: `declined`, or `partner_declined` of a partner; why stays with the router."""

    name: ClassVar[str] = "offer.declined"

    offer_id: UUID
    agent_id: str
    reason: str


class OfferExpiredV1(WorkContract):
    """The agent did not answer in time and is away now."""

    name: ClassVar[str] = "offer.expired"

    offer_id: UUID
    agent_id: str


class OfferRevokedV1(WorkContract):
    """The offer was taken back: another agent has it, it moved, or it needs nobody any more."""

    name: ClassVar[str] = "offer.revoked"

    offer_id: UUID
    agent_id: str
    reason: str


class WorkSnapshotV1(WorkContract):
    """The work item as it stands at this sequence, for readers that have lost their history."""

    name: ClassVar[str] = "work.snapshot"
    is_snapshot: ClassVar[bool] = True

    state: WorkState
    queue: str
    support_tier: int
    priority: Priority
    channel: str
    channel_kind: ChannelKind
    skills: tuple[SkillLevel, ...]
    queued_at: Instant
    agent_id: str | None
    assigned_at: Instant | None


class AgentContract(Contract):
    """About one agent."""

    aggregate: ClassVar[str] = "agent"
    identity: ClassVar[str] = "agent_id"

    agent_id: str


class WeeklyHours(Part):
    """Local hours by weekday, `mon` to `sun`: `09:00-17:00`; `22:00-30:00` ends at six the next morning."""

    time_zone: str
    weekly: dict[str, tuple[str, ...]]


class Absence(Part):
    """When an agent is on leave: from its start until before its end."""

    starts_at: Instant
    ends_at: Instant


class AgentUpdatedV1(AgentContract):
    """What the agent can do, as configured. A removed agent has no queues.

    shifts: their ordinary week; none: always on duty
    """

    name: ClassVar[str] = "agent.updated"

    support_tier: int
    teams: tuple[str, ...]
    queues: tuple[str, ...]
    skills: tuple[SkillLevel, ...]
    capacity: int
    is_removed: bool = False
    shifts: WeeklyHours | None = None
    time_off: tuple[Absence, ...] = ()


class AgentStateChangedV1(AgentContract):
    """Presence, occupation or load of the agent changed.

    reason: where it is a word such as `lunch` or `offer_expired`, and no text
    load: units in use, of `capacity`; items: open items by channel kind, pending offers included
    is_on_duty: whether it is their shift, and they are not on leave; none where that was not told
    """

    name: ClassVar[str] = "agent.state_changed"

    state: AgentState
    activity: AgentActivity
    reason: str | None
    load: int
    capacity: int
    items: dict[ChannelKind, int]
    cause: str
    is_on_duty: bool | None = None


class AgentSnapshotV1(AgentContract):
    """The agent as they stand at this sequence, for readers that have lost their history."""

    name: ClassVar[str] = "agent.snapshot"
    is_snapshot: ClassVar[bool] = True

    profile: AgentUpdatedV1
    presence: AgentStateChangedV1


CONTRACTS = (
    WorkQueuedV1,
    WorkOfferedV1,
    WorkAssignedV1,
    WorkRequeuedV1,
    WorkCompletedV1,
    WorkCancelledV1,
    OfferDeclinedV1,
    OfferExpiredV1,
    OfferRevokedV1,
    WorkSnapshotV1,
    AgentUpdatedV1,
    AgentStateChangedV1,
    AgentSnapshotV1,
)
