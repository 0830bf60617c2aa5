"""The ticket: one request of one customer until it is closed, and every step that it can take.

Each function takes the ticket as it is and gives a `Change`: the ticket as it will be, and the facts that the
world is told. Illegal steps raise; none quietly does nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from shared.errors import IllegalTransition
from shared.vocabulary import ActorKind, AuthorKind, ChannelKind, MachineClass, Priority, Purpose, TicketStatus

S = TicketStatus

_BY_HAND = {
    S.NEW: {S.OPEN, S.PENDING, S.ON_HOLD, S.SOLVED},
    S.OPEN: {S.PENDING, S.ON_HOLD, S.SOLVED},
    S.PENDING: {S.OPEN, S.ON_HOLD, S.SOLVED},
    S.ON_HOLD: {S.OPEN, S.PENDING, S.SOLVED},
    S.SOLVED: {S.OPEN, S.CLOSED},
    S.CLOSED: set[TicketStatus](),
}
"""Which status a person may set. `new` is left once and never set."""


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

    sequence, last_event_at: of the last fact that was told about it; `version` rises with every change
    assignee_id, queue, support_tier: as the router last said
    """

    workspace_id: str
    ticket_id: UUID
    number: int
    status: TicketStatus
    priority: Priority
    labels: dict[str, str]
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
    closed_at: datetime | None = None
    assignee_id: str | None = None
    queue: str | None = None
    support_tier: int | None = None
    sequence: int = 0
    last_event_at: datetime
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


Fact = Opened | Received | Replied | StatusChanged | Updated | Merged


@dataclass(frozen=True, slots=True)
class Change:
    """A ticket after a step, and the facts to tell, in order. Their sequences end at the ticket's."""

    ticket: Ticket
    facts: tuple[Fact, ...]

    def then(self, other: "Change") -> "Change":
        """Both steps as one."""
        return Change(other.ticket, (*self.facts, *other.facts))


def _told(ticket: Ticket, now: datetime, *facts: Fact) -> Change:
    """The ticket after telling these facts: time never goes back within one subject."""
    at = max(now, ticket.last_event_at)
    told = replace(
        ticket,
        sequence=ticket.sequence + len(facts),
        last_event_at=at,
        updated_at=at,
        version=ticket.version + 1,
    )
    return Change(told, facts)


def open_ticket(ticket: Ticket, now: datetime) -> Change:
    """A new ticket. It has sequence 0 and tells everybody that it is there."""
    return _told(ticket, now, Opened(received_at=ticket.opened_at))


def receive(ticket: Ticket, message: Received, now: datetime, *, may_reopen: bool) -> Change:
    """A message of the customer. A human one wakes a waiting ticket and reopens a solved one.

    may_reopen: false where a cap on reopening is reached: the message is kept, the status stays
    Raises IllegalTransition on a closed ticket.
    """
    if ticket.status is S.CLOSED:
        raise IllegalTransition("The ticket is closed.")
    change = _told(ticket, now, message)
    if message.machine is not MachineClass.NONE or not message.is_public:
        return change
    if ticket.status in (S.PENDING, S.ON_HOLD):
        return change.then(_set_status(change.ticket, S.OPEN, "customer_replied", CUSTOMER, now))
    if ticket.status is S.SOLVED and may_reopen:
        return change.then(_set_status(change.ticket, S.OPEN, "reopen", CUSTOMER, now))
    return change


def reply(ticket: Ticket, sent: Replied, actor: Actor, now: datetime) -> Change:
    """Something to the customer. An agent's first reply opens a new ticket.

    Raises IllegalTransition on a closed ticket.
    """
    if ticket.status is S.CLOSED:
        raise IllegalTransition("The ticket is closed.")
    change = _told(ticket, now, sent)
    is_answer = sent.author_kind is AuthorKind.AGENT and sent.purpose is Purpose.REPLY
    if is_answer and ticket.first_replied_at is None:
        answered = replace(change.ticket, first_replied_at=change.ticket.last_event_at)
        change = Change(answered, change.facts)
    if is_answer and ticket.status is S.NEW:
        change = change.then(_set_status(change.ticket, S.OPEN, "agent_replied", actor, now))
    return change


def set_status(ticket: Ticket, status: TicketStatus, actor: Actor, now: datetime) -> Change:
    """A status set by hand. Setting the one it has tells nothing.

    Raises IllegalTransition.
    """
    if status is ticket.status:
        return Change(ticket, ())
    if status not in _BY_HAND[ticket.status]:
        raise IllegalTransition(f"A ticket that is {ticket.status} cannot become {status}.")
    cause = "reopen" if ticket.status is S.SOLVED and status is S.OPEN else "set"
    return _set_status(ticket, status, cause, actor, now)


def assigned(ticket: Ticket, now: datetime) -> Change:
    """The router gave it to somebody: a new ticket is open now."""
    if ticket.status is not S.NEW:
        return Change(ticket, ())
    return _set_status(ticket, S.OPEN, "assigned", SYSTEM, now)


def close(ticket: Ticket, now: datetime) -> Change:
    """A solved ticket that nobody came back to."""
    if ticket.status is not S.SOLVED:
        raise IllegalTransition(f"A ticket that is {ticket.status} cannot be closed.")
    return _set_status(ticket, S.CLOSED, "closed_after", SYSTEM, now)


def update(
    ticket: Ticket,
    actor: Actor,
    now: datetime,
    *,
    priority: Priority | None = None,
    labels: dict[str, str] | None = None,
    subject: str | None = None,
    language: str | None = None,
) -> Change:
    """New facts of a ticket; none means unchanged. Only what others decide by is told.

    Raises IllegalTransition on a closed ticket.
    """
    if ticket.status is S.CLOSED:
        raise IllegalTransition("The ticket is closed.")
    after = replace(
        ticket,
        priority=priority or ticket.priority,
        labels=ticket.labels if labels is None else labels,
        subject=ticket.subject if subject is None else subject,
        language=language or ticket.language,
    )
    changed = tuple(
        name for name in ("priority", "labels", "language") if getattr(after, name) != getattr(ticket, name)
    )
    if changed:
        return _told(after, now, Updated(changed=changed, actor=actor))
    if after != ticket:
        return _told(after, now)
    return Change(ticket, ())


def merge(source: Ticket, target: Ticket, actor: Actor, now: datetime) -> Change:
    """The source goes up in the target and is closed for good.

    Raises IllegalTransition for itself, a source already merged or closed, or a target that is.
    """
    if source.ticket_id == target.ticket_id:
        raise IllegalTransition("A ticket cannot be merged into itself.")
    if source.merged_into is not None or source.status is S.CLOSED:
        raise IllegalTransition("The ticket is closed.")
    if target.merged_into is not None or target.status is S.CLOSED:
        raise IllegalTransition("The target is closed.")
    merged = replace(source, status=S.CLOSED, merged_into=target.ticket_id, closed_at=now)
    return _told(merged, now, Merged(target_ticket_id=target.ticket_id, previous=source.status, actor=actor))


def _set_status(ticket: Ticket, status: TicketStatus, cause: str, actor: Actor, now: datetime) -> Change:
    change = _told(ticket, now, StatusChanged(previous=ticket.status, status=status, cause=cause, actor=actor))
    at = change.ticket.last_event_at
    after = replace(
        change.ticket,
        status=status,
        solved_at=at if status is S.SOLVED else (ticket.solved_at if status is S.CLOSED else None),
        closed_at=at if status is S.CLOSED else None,
    )
    return Change(after, change.facts)
