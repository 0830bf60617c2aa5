"""What escalation knows of a ticket: everything that decides which of its clocks run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.vocabulary import Agreement, ChannelKind, Priority, SurveyKind, TicketStatus


class Key(NamedTuple):
    """The order in which what happened is folded: the opening, then by time, at one time tickets before work.

    Within one subject times never go back and the sequence rises, so this order keeps that of every subject.
    The opening comes first because the clocks of two databases may differ by more than a router needs.
    """

    phase: int
    at: datetime
    rank: int
    subject: str
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An event that something began with."""

    event_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What a customer said in a survey; of several the highest revision counts.

    score: of a CSAT from 1 to the scale, of an NPS from 0
    """

    kind: SurveyKind
    score: int
    scale: int
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What intake knows of a ticket and its customer."""

    channel: str
    channel_kind: ChannelKind
    customer_tier: str
    customer_language: str | None
    organisation_id: str | None
    labels: Mapping[str, str]
    priority: Priority
    language: str | None

    def __hash__(self) -> int:
        who = self.channel, self.customer_tier, self.organisation_id, self.priority
        return hash((who, frozenset(self.labels.items())))


class Terms(NamedTuple):
    """What conditions and targets read: a ticket, and where its work is, as far as that is known."""

    facts: Facts
    queue: str | None
    support_tier: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket as the events folded so far describe it.

    opened: none while only its work items are known
    asked: the oldest message of the customer that nobody has answered
    has_answer: whether an agent ever replied; answered: the last reply since it was opened or reopened
    reopened: how often it came back after it was solved
    is_from_snapshot: whether it was there before we knew of it
    assigned: the first assignment; stint: since when it waits in its queue
    policies, policy_version: of each agreement the policy that matches, and the version it was matched by
    last: the last event folded; fired_until: clocks have been judged up to this moment
    """

    workspace_id: str
    ticket_id: UUID
    number: int | None = None
    facts: Facts | None = None
    status: TicketStatus = TicketStatus.NEW
    opened: Mark | None = None
    asked: Mark | None = None
    has_answer: bool = False
    answered: Mark | None = None
    was_solved: bool = False
    reopened: int = 0
    rating: Rating | None = None
    is_from_snapshot: bool = False
    assigned: Mark | None = None
    stint: Mark | None = None
    queue: str | None = None
    support_tier: int | None = None
    agent_id: str | None = None
    policies: Mapping[Agreement, str] = field(default_factory=dict)
    policy_version: int = 0
    last: Key | None = None
    fired_until: datetime | None = None

    @property
    def terms(self) -> Terms | None:
        """What its promises depend on; none until it was opened."""
        return None if self.facts is None else Terms(self.facts, self.queue, self.support_tier)

    @property
    def is_unsolved(self) -> bool:
        """Whether it was opened and somebody still owes the customer something."""
        return self.opened is not None and self.status.is_unsolved

    @property
    def waiting_since(self) -> datetime | None:
        """Since when it waits in its queue for an agent, if it does."""
        return self.stint.at if self.stint is not None and self.is_unsolved else None

    @property
    def is_closed(self) -> bool:
        """Whether it is over for good."""
        return self.status is TicketStatus.CLOSED
