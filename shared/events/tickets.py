"""Topic `waypost.tickets`, written by intake: what happens to tickets. No personal data, no text."""

from typing import ClassVar
from uuid import UUID

from shared.events.contract import Contract, Instant, Part
from shared.vocabulary import (
    ActorKind,
    AuthorKind,
    CallOutcome,
    ChannelKind,
    MachineClass,
    Priority,
    Purpose,
    SurveyKind,
    TicketStatus,
)


class CustomerFacts(Part):
    """What may be known of a customer outside intake."""

    customer_id: UUID
    tier: str
    language: str | None = None
    organisation_id: str | None = None


class TicketFacts(Part):
    """What routing and service levels decide by."""

    channel: str
    channel_kind: ChannelKind
    customer: CustomerFacts
    labels: dict[str, str]
    priority: Priority
    language: str | None = None


class TicketContract(Contract):
    """About one ticket."""

    aggregate: ClassVar[str] = "ticket"
    identity: ClassVar[str] = "ticket_id"

    ticket_id: UUID


class TicketOpenedV1(TicketContract):
    """A request became a ticket. Its first message follows as `ticket.message_received`."""

    name: ClassVar[str] = "ticket.opened"

    ticket_number: int
    facts: TicketFacts
    opened_by: ActorKind
    follow_up_of: UUID | None = None
    received_at: Instant


class MessageReceivedV1(TicketContract):
    """A message reached the ticket. Only `machine: none` is a customer who waits for an answer."""

    name: ClassVar[str] = "ticket.message_received"

    message_id: UUID
    channel: str
    channel_kind: ChannelKind
    machine: MachineClass
    is_public: bool
    received_at: Instant


class ReplySentV1(TicketContract):
    """Something was sent to the customer. Only an agent's reply answers."""

    name: ClassVar[str] = "ticket.reply_sent"

    message_id: UUID
    channel: str
    channel_kind: ChannelKind
    author_kind: AuthorKind
    author_id: str | None
    purpose: Purpose


class TicketUpdatedV1(TicketContract):
    """Facts of an unsolved ticket, or of its customer, changed; all of them stand here as they are now."""

    name: ClassVar[str] = "ticket.updated"

    facts: TicketFacts
    changed: tuple[str, ...]
    actor_kind: ActorKind
    actor_id: str | None = None


class TicketStatusChangedV1(TicketContract):
    """The ticket went from one status to another. `cause: reopen` is a solved ticket that came back."""

    name: ClassVar[str] = "ticket.status_changed"

    previous: TicketStatus
    status: TicketStatus
    cause: str
    actor_kind: ActorKind
    actor_id: str | None = None


class TicketMergedV1(TicketContract):
    """The ticket went up in another one and is closed."""

    name: ClassVar[str] = "ticket.merged"

    target_ticket_id: UUID
    previous: TicketStatus
    actor_kind: ActorKind
    actor_id: str | None = None


class CallEndedV1(TicketContract):
    """A call ended that the ticket is about. It may come again with a higher revision: the highest counts.

    Seconds of talk are without those on hold. Times are by the telephone system's clock; `agent_id` is as it
    calls the agent, of answered calls.
    """

    name: ClassVar[str] = "call.ended"

    call_id: UUID
    revision: int
    channel: str
    outcome: CallOutcome
    agent_id: str | None = None
    transfers: int
    ivr_s: float
    queue_s: float
    ring_s: float
    talk_s: float
    hold_s: float
    wrap_s: float
    started_at: Instant
    answered_at: Instant | None = None
    ended_at: Instant


class TicketRatedV1(TicketContract):
    """The customer rated the answer; of several ratings of one ticket the highest revision counts.

    scale: a CSAT goes from 1 to this, an NPS from 0 to this; agent_id: who solved the ticket
    """

    name: ClassVar[str] = "ticket.rated"

    kind: SurveyKind
    score: int
    scale: int
    agent_id: str | None
    revision: int


class TicketErasedV1(TicketContract):
    """The ticket's customer was erased: whoever keeps words about it, such as remarks, takes them out."""

    name: ClassVar[str] = "ticket.erased"


class TicketSnapshotV1(TicketContract):
    """The ticket as it stands at this sequence, for readers that have lost their history."""

    name: ClassVar[str] = "ticket.snapshot"
    is_snapshot: ClassVar[bool] = True

    ticket_number: int
    facts: TicketFacts
    status: TicketStatus
    opened_by: ActorKind
    opened_at: Instant
    first_replied_at: Instant | None
    solved_at: Instant | None
    merged_into: UUID | None


CONTRACTS = (
    TicketOpenedV1,
    MessageReceivedV1,
    ReplySentV1,
    TicketUpdatedV1,
    TicketStatusChangedV1,
    TicketMergedV1,
    CallEndedV1,
    TicketRatedV1,
    TicketErasedV1,
    TicketSnapshotV1,
)
