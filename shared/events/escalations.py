"""Topic `waypost.escalations`, written by escalation: clocks, warnings, breaches, and what is done about them."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.events.contract import Contract, Instant, Part
from shared.vocabulary import Agreement, ClockState, SlaMetric


class ClockContract(Contract):
    """About one SLA clock. Durations are seconds of the clock's calendar unless they say wall.

    agreement: whether customers were promised it, or teams one another
    generation: counts the restarts and resumptions after solving
    """

    aggregate: ClassVar[str] = "clock"
    identity: ClassVar[str] = "clock_id"

    clock_id: UUID
    ticket_id: UUID
    agreement: Agreement = Agreement.SLA
    metric: SlaMetric
    generation: int


class SlaClockStartedV1(ClockContract):
    """A promise began to run."""

    name: ClassVar[str] = "sla.clock_started"

    policy: str
    policy_version: int
    target_s: float
    started_at: Instant
    due_at: Instant


class SlaClockPausedV1(ClockContract):
    """The promise stands still: the customer has the ball."""

    name: ClassVar[str] = "sla.clock_paused"

    elapsed_s: float


class SlaClockResumedV1(ClockContract):
    """The promise runs again, anew, or against another target: whichever way towards a new due time."""

    name: ClassVar[str] = "sla.clock_resumed"

    elapsed_s: float
    due_at: Instant
    policy: str | None = None
    policy_version: int | None = None
    target_s: float | None = None


class SlaClockStoppedV1(ClockContract):
    """The clock ended without being met: late after a breach, or cancelled."""

    name: ClassVar[str] = "sla.clock_stopped"

    outcome: Literal["late", "cancelled"]
    cause: str
    elapsed_s: float
    elapsed_wall_s: float
    overdue_s: float


class SlaWarnedV1(ClockContract):
    """A share of the target is used up. is_late: it was long before this is told, as after down-time"""

    name: ClassVar[str] = "sla.warned"

    policy: str
    level_percent: int
    target_s: float
    due_at: Instant
    is_late: bool = False


class SlaMetV1(ClockContract):
    """The promise was kept."""

    name: ClassVar[str] = "sla.met"

    policy: str
    target_s: float
    elapsed_s: float
    elapsed_wall_s: float


class SlaBreachedV1(ClockContract):
    """The promise was broken.

    due_at: when it was broken; fired_at: when that was noticed
    is_provisional: what could still show that it was kept had not all been read
    is_late: it was broken long before this is told, as after down-time
    """

    name: ClassVar[str] = "sla.breached"

    policy: str
    policy_version: int
    target_s: float
    elapsed_s: float
    due_at: Instant
    fired_at: Instant
    is_provisional: bool
    queue: str | None
    agent_id: str | None
    cause: str
    is_late: bool = False


class SlaBreachWithdrawnV1(ClockContract):
    """An answer turned out to have happened in time: the breach never was."""

    name: ClassVar[str] = "sla.breach_withdrawn"

    breach_event_id: UUID


class SlaClockSnapshotV1(ClockContract):
    """The clock as it stands at this sequence, for readers that have lost their history."""

    name: ClassVar[str] = "sla.clock_snapshot"
    is_snapshot: ClassVar[bool] = True

    policy: str
    state: ClockState
    target_s: float
    elapsed_s: float
    due_at: Instant | None


class RaisePriority(Part):
    """The work item becomes more pressing; the ticket's own priority stays."""

    kind: Literal["raise_priority"] = "raise_priority"
    by: int = 1


class Requeue(Part):
    """The work item moves to another queue or tier, or others are asked for it.

    agent_id: who is asked first, if they may have it
    widen: whether everybody is asked at once whom its routing policy would only ask later
    """

    kind: Literal["requeue"] = "requeue"
    queue: str | None = None
    support_tier: int | None = None
    agent_id: str | None = None
    widen: bool = False


class Notify(Part):
    """People were told; the router has nothing to do."""

    kind: Literal["notify"] = "notify"
    recipients: int


Action = Annotated[RaisePriority | Requeue | Notify, Field(discriminator="kind")]


class EscalationContract(Contract):
    """About one escalation: of a ticket, of a queue, or of a KPI, perhaps of one queue."""

    aggregate: ClassVar[str] = "escalation"
    identity: ClassVar[str] = "escalation_id"

    escalation_id: UUID
    ticket_id: UUID | None
    queue: str | None = None
    kpi: str | None = None


class TicketEscalationContract(Contract):
    """About one escalation, when only tickets were escalated."""

    aggregate: ClassVar[str] = "escalation"
    identity: ClassVar[str] = "escalation_id"

    escalation_id: UUID
    ticket_id: UUID


class EscalationRaisedV2(EscalationContract):
    """A step of an escalation policy was taken. The router carries out what concerns work items.

    level: how far it has climbed, from 1; step: which step of the policy, from 1
    trigger: what started the escalation, such as "sla.breached" or "manual"; trigger_id: as it is configured
    is_late: it was due long before it was taken, as after down-time
    """

    name: ClassVar[str] = "escalation.raised"
    version: ClassVar[int] = 2

    policy: str
    policy_version: int
    level: int
    step: int
    trigger: str
    trigger_id: str | None = None
    metric: SlaMetric | None
    action: Action
    is_late: bool = False


class EscalationAcknowledgedV2(EscalationContract):
    """Somebody has taken it on: no further step is taken, until `resumes_at` where their time is limited."""

    name: ClassVar[str] = "escalation.acknowledged"
    version: ClassVar[int] = 2

    actor_id: str
    resumes_at: Instant | None = None


class EscalationSnoozedV1(EscalationContract):
    """Somebody has put it off."""

    name: ClassVar[str] = "escalation.snoozed"

    actor_id: str
    resumes_at: Instant


class EscalationResolvedV2(EscalationContract):
    """It is over."""

    name: ClassVar[str] = "escalation.resolved"
    version: ClassVar[int] = 2

    cause: str
    actor_id: str | None


class EscalationRaisedV1(TicketEscalationContract):
    """A step of an escalation policy was taken. The router carries out what concerns work items.

    level: how far the ticket has climbed, from 1; step: which step of the policy, from 1
    trigger: what started the escalation ("sla.breached", "sla.warned", "manual")
    """

    name: ClassVar[str] = "escalation.raised"

    policy: str
    policy_version: int
    level: int
    step: int
    trigger: str
    metric: SlaMetric | None
    action: Action
    reason: str | None = None


class EscalationAcknowledgedV1(TicketEscalationContract):
    """Somebody has taken it on: no further step is taken."""

    name: ClassVar[str] = "escalation.acknowledged"

    actor_id: str


class EscalationResolvedV1(TicketEscalationContract):
    """It is over."""

    name: ClassVar[str] = "escalation.resolved"

    cause: str
    actor_id: str | None


CONTRACTS = (
    SlaClockStartedV1,
    SlaClockPausedV1,
    SlaClockResumedV1,
    SlaClockStoppedV1,
    SlaWarnedV1,
    SlaMetV1,
    SlaBreachedV1,
    SlaBreachWithdrawnV1,
    SlaClockSnapshotV1,
    EscalationRaisedV1,
    EscalationAcknowledgedV1,
    EscalationResolvedV1,
    EscalationRaisedV2,
    EscalationAcknowledgedV2,
    EscalationSnoozedV1,
    EscalationResolvedV2,
)
