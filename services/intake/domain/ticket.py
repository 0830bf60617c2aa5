"""The ticket: one request of one customer until it is closed. The steps it can take are in `lifecycle.py`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.intake.domain.call import CallSummary
from shared.vocabulary import (
    ActorKind,
    AuthorKind,
    ChannelKind,
    MachineClass,
    Priority,
    Purpose,
    SurveyKind,
    TicketStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who causes a change."""

    kind: ActorKind
    actor_id: str | None = None


SYSTEM = Actor(kind=ActorKind.SYSTEM)
CUSTOMER = Actor(kind=ActorKind.CUSTOMER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket as it stands.

    sources: who set the priority and each label, as `priority` or `labels/{key}` -> `rule:vip@3`, `agent:ada`
    assignee_id, queue, support_tier: as the router last said, at `routed_at`; who solved it stays its assignee
    close_due_at: when it is closed, if it is solved and nobody comes back to it
    sequence, last_event_at: of the last fact that was told about it
    entries: how many entries its timeline has; `version` rises with every change that can be seen
    """

    workspace_id: str
    ticket_id: UUID
    number: int
    status: TicketStatus
    priority: Priority
    labels: dict[str, str]
    sources: dict[str, str] = field(default_factory=dict)
    subject: str
    channel: str
    channel_kind: ChannelKind
    customer_id: UUID
    language: str | None
    opened_by: ActorKind
    opened_at: datetime
    updated_at: datetime
    follow_up_of: UUID | None = None
    merged_into: UUID | None = None
    first_replied_at: datetime | None = None
    solved_at: datetime | None = None
    close_due_at: datetime | None = None
    closed_at: datetime | None = None
    assignee_id: str | None = None
    queue: str | None = None
    support_tier: int | None = None
    routed_at: datetime | None = None
    sequence: int = 0
    last_event_at: datetime
    entries: int = 0
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The ticket came to be."""

    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message reached the ticket."""

    message_id: UUID
    channel: str
    channel_kind: ChannelKind
    machine: MachineClass
    is_public: bool
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    """Something was sent to the customer."""

    message_id: UUID
    channel: str
    channel_kind: ChannelKind
    author_kind: AuthorKind
    author_id: str | None
    purpose: Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged:
    """The ticket went from one status to another."""

    previous: TicketStatus
    status: TicketStatus
    cause: str
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What others decide by has changed."""

    changed: tuple[str, ...]
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The ticket went up in another."""

    target_ticket_id: UUID
    previous: TicketStatus
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """A call about the ticket ended, or what is known of it has changed since. The highest revision counts."""

    call_id: UUID
    channel: str
    revision: int
    summary: CallSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """The customer said what they think of the answer. The highest revision counts."""

    kind: SurveyKind
    score: int
    scale: int
    agent_id: str | None
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Nothing personal is kept of its customer."""


Fact = Opened | Received | Replied | StatusChanged | Updated | Merged | CallEnded | Rated | Erased


@dataclass(frozen=True, slots=True)
class Change:
    """A ticket after a step, and the facts to tell, in order. Their sequences end at the ticket's."""

    ticket: Ticket
    facts: tuple[Fact, ...]

    def then(self, other: "Change") -> "Change":
        """Both steps as one; `other` begins where this one ends."""
        return Change(other.ticket, (*self.facts, *other.facts))

    def numbered(self) -> Iterator[tuple[int, int, Fact]]:
        """Each fact with its sequence and its place in the ticket's timeline."""
        for back, fact in zip(range(len(self.facts) - 1, -1, -1), self.facts, strict=True):
            yield self.ticket.sequence - back, self.ticket.entries - back, fact
