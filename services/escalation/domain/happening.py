"""What happens to tickets and their work items, in the words of service levels, and its mark on the ticket."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import assert_never
from uuid import UUID

from services.escalation.domain.ticket import Facts, Key, Mark, Rating, Ticket
from shared.vocabulary import ChannelKind, TicketStatus, WorkState


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A request became a ticket."""

    number: int
    facts: Facts
    by_customer: bool


@dataclass(frozen=True, slots=True)
class CustomerWrote:
    """A person waits for an answer."""


@dataclass(frozen=True, slots=True)
class AgentReplied:
    """An agent answered. Notes, bots and acknowledgements never do."""


@dataclass(frozen=True, slots=True)
class FactsChanged:
    """What conditions and targets read has changed."""

    facts: Facts


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The ticket went to this status."""

    status: TicketStatus


@dataclass(frozen=True, slots=True)
class Merged:
    """The ticket went up in another one."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The customer rated the answer."""

    rating: Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSeen:
    """The ticket as it stands, for whoever has lost its history."""

    number: int
    facts: Facts
    by_customer: bool
    status: TicketStatus
    opened_at: datetime
    first_replied_at: datetime | None
    solved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Queued:
    """Work waits in a queue."""

    queue: str
    support_tier: int


@dataclass(frozen=True, slots=True)
class Requeued:
    """Work waits again."""

    previous: WorkState
    queue: str
    support_tier: int


@dataclass(frozen=True, slots=True)
class Assigned:
    """An agent has it."""

    agent_id: str
    queue: str
    support_tier: int


@dataclass(frozen=True, slots=True)
class WorkCancelled:
    """It needs no agent any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSeen:
    """The work item as it stands, for whoever has lost its history."""

    state: WorkState
    queue: str
    support_tier: int
    queued_at: datetime
    agent_id: str | None
    assigned_at: datetime | None


What = (
    Opened
    | CustomerWrote
    | AgentReplied
    | FactsChanged
    | StatusChanged
    | Merged
    | Scored
    | TicketSeen
    | Queued
    | Requeued
    | Assigned
    | WorkCancelled
    | WorkSeen
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event that clocks depend on. `name` is its wire name, for whoever asks why a clock did something."""

    key: Key
    event_id: UUID
    name: str
    what: What

    @property
    def at(self) -> datetime:
        """When it happened."""
        return self.key.at

    @property
    def mark(self) -> Mark:
        """What begins with it."""
        return Mark(event_id=self.event_id, at=self.at)


class Signal(Enum):
    """What can meet a clock."""

    ANSWERED = auto()
    SOLVED = auto()
    ASSIGNED = auto()


Signals = Mapping[Signal, datetime]
"""What has come true with an event, and when."""


def apply(ticket: Ticket, happening: Happening) -> tuple[Ticket, Signals]:
    """The ticket after an event, and the signals that it gives."""
    at, mark = happening.at, happening.mark
    match happening.what:
        case Opened(number=number, facts=facts, by_customer=by_customer):
            return replace(
                ticket, number=number, facts=facts, opened=mark, asked=mark if by_customer else None
            ), {}
        case CustomerWrote():
            return replace(ticket, asked=ticket.asked or mark), {}
        case AgentReplied():
            return _answered(ticket, mark), {Signal.ANSWERED: at}
        case FactsChanged(facts):
            return replace(ticket, facts=facts), {}
        case StatusChanged(status):
            return _with_status(ticket, status, at)
        case Merged():
            return replace(ticket, status=TicketStatus.CLOSED), {}
        case Scored(rating):
            is_newer = ticket.rating is None or rating.revision > ticket.rating.revision
            return replace(ticket, rating=rating) if is_newer else ticket, {}
        case TicketSeen():
            return _seen(ticket, happening.what, mark)
        case Queued(queue, tier):
            return replace(ticket, queue=queue, support_tier=tier, stint=mark, agent_id=None), {}
        case Requeued(previous, queue, tier):
            has_moved = (queue, tier) != (ticket.queue, ticket.support_tier)
            begins = has_moved or previous in (WorkState.ASSIGNED, WorkState.WRAPPING) or ticket.stint is None
            stint = mark if begins else ticket.stint
            return replace(ticket, queue=queue, support_tier=tier, stint=stint, agent_id=None), {}
        case Assigned(agent_id, queue, tier):
            return _assigned(replace(ticket, agent_id=agent_id, queue=queue, support_tier=tier), mark, is_new=True)
        case WorkCancelled():
            return replace(ticket, stint=None, agent_id=None), {}
        case WorkSeen():
            return _work_seen(ticket, happening.what, mark)
        case _:
            assert_never(happening.what)


def _answered(ticket: Ticket, mark: Mark) -> Ticket:
    # On a solved ticket nobody waits for the next update.
    return replace(ticket, asked=None, has_answer=True, answered=mark if ticket.is_unsolved else None)


def _with_status(ticket: Ticket, status: TicketStatus, at: datetime) -> tuple[Ticket, Signals]:
    after = replace(ticket, status=status)
    if ticket.status.is_unsolved and not status.is_unsolved:
        after = replace(after, asked=None, answered=None, was_solved=True)
        return after, {Signal.SOLVED: at} if status is TicketStatus.SOLVED else {}
    if not ticket.status.is_unsolved and status.is_unsolved:
        after = replace(after, reopened=ticket.reopened + 1)
        if ticket.asked:
            # Whoever wrote to a solved ticket waits from when it is open again.
            after = replace(after, asked=replace(ticket.asked, at=max(ticket.asked.at, at)))
    return after, {}


def _assigned(ticket: Ticket, mark: Mark, *, is_new: bool) -> tuple[Ticket, Signals]:
    after = replace(ticket, stint=None, assigned=ticket.assigned or mark)
    if is_new and ticket.facts is not None and ticket.facts.channel_kind is ChannelKind.VOICE:
        # Taking the call is the answer.
        return _answered(after, mark), {Signal.ASSIGNED: mark.at, Signal.ANSWERED: mark.at}
    return after, {Signal.ASSIGNED: mark.at}


def _seen(ticket: Ticket, seen: TicketSeen, mark: Mark) -> tuple[Ticket, Signals]:
    signals: dict[Signal, datetime] = {}
    opened = ticket.opened or Mark(event_id=mark.event_id, at=seen.opened_at)
    after = replace(ticket, number=seen.number, facts=seen.facts, opened=opened)
    if ticket.opened is None:
        after = replace(after, status=seen.status, was_solved=not seen.status.is_unsolved, is_from_snapshot=True)
        is_asked = seen.by_customer and seen.first_replied_at is None and after.is_unsolved
        return replace(after, asked=opened if is_asked else None, has_answer=seen.first_replied_at is not None), {}
    if seen.first_replied_at is not None and not ticket.has_answer:
        after = replace(after, has_answer=True, asked=None)
        signals[Signal.ANSWERED] = seen.first_replied_at
    if seen.status is not ticket.status:
        after, changed = _with_status(after, seen.status, seen.solved_at or mark.at)
        signals.update(changed)
    return after, signals


def _work_seen(ticket: Ticket, seen: WorkSeen, mark: Mark) -> tuple[Ticket, Signals]:
    after = replace(ticket, queue=seen.queue, support_tier=seen.support_tier, agent_id=seen.agent_id)
    if seen.state in (WorkState.QUEUED, WorkState.OFFERED):
        after = replace(after, stint=ticket.stint or Mark(event_id=mark.event_id, at=seen.queued_at))
    elif seen.assigned_at is not None:
        return _assigned(after, Mark(event_id=mark.event_id, at=seen.assigned_at), is_new=False)
    return after, {}
