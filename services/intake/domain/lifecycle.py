"""Every step that a ticket can take.

Each function takes the ticket as it is and gives a `Change`: the ticket as it will be, and the facts that the
world is told. Illegal steps raise; none quietly does nothing.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.domain.ticket import (
    CUSTOMER,
    SYSTEM,
    Actor,
    CallEnded,
    Change,
    Erased,
    Fact,
    Merged,
    Opened,
    Rated,
    Received,
    Replied,
    StatusChanged,
    Ticket,
    Updated,
)
from shared.errors import IllegalTransition
from shared.vocabulary import AuthorKind, MachineClass, Priority, Purpose, TicketStatus

S = TicketStatus

BY_HAND = {
    S.NEW: {S.OPEN, S.PENDING, S.ON_HOLD, S.SOLVED},
    S.OPEN: {S.PENDING, S.ON_HOLD, S.SOLVED},
    S.PENDING: {S.OPEN, S.ON_HOLD, S.SOLVED},
    S.ON_HOLD: {S.OPEN, S.PENDING, S.SOLVED},
    S.SOLVED: {S.OPEN, S.CLOSED},
    S.CLOSED: set[TicketStatus](),
}
"""Which status a person may set. `new` is left once and never set."""


def open_ticket(ticket: Ticket, now: datetime) -> Change:
    """A new ticket. It has sequence 0 and tells everybody that it is there."""
    return _told(ticket, now, Opened(received_at=ticket.opened_at))


def receive(ticket: Ticket, message: Received, now: datetime, *, may_reopen: bool) -> Change:
    """A message of the customer. A human one wakes a waiting ticket and reopens a solved one.

    may_reopen: false where a cap on reopening is reached: the message is kept, the status stays
    Raises IllegalTransition on a closed ticket.
    """
    _require_not_closed(ticket)
    change = _told(ticket, now, message)
    if message.machine is not MachineClass.NONE or not message.is_public:
        return change
    if ticket.status in (S.PENDING, S.ON_HOLD):
        return change.then(_set_status(change.ticket, S.OPEN, "customer_replied", CUSTOMER, now))
    if ticket.status is S.SOLVED and may_reopen:
        return change.then(_set_status(change.ticket, S.OPEN, "reopen", CUSTOMER, now))
    return change


def keep(ticket: Ticket, message: Received, now: datetime) -> Change:
    """What is kept with a ticket whatever its status is, such as the recording of a call, and wakes nobody."""
    return _told(ticket, now, message)


def called(ticket: Ticket, now: datetime, *, may_reopen: bool) -> Change:
    """The customer calls, or is to be called back: as a message it wakes a waiting ticket, reopens a solved one.

    may_reopen: false where a cap on reopening is reached: the status stays
    Raises IllegalTransition on a closed ticket.
    """
    _require_not_closed(ticket)
    if ticket.status in (S.PENDING, S.ON_HOLD):
        return _set_status(ticket, S.OPEN, "customer_called", CUSTOMER, now)
    if ticket.status is S.SOLVED and may_reopen:
        return _set_status(ticket, S.OPEN, "reopen", CUSTOMER, now)
    return Change(ticket, ())


def call_ended(ticket: Ticket, call: CallEnded, now: datetime) -> Change:
    """What became of a call. It is told of any ticket, a closed one too: what happened has happened."""
    return _told(ticket, now, call)


def drop(ticket: Ticket, now: datetime) -> Change:
    """The system closes a ticket that nobody need work on.

    Raises IllegalTransition unless it is new or open.
    """
    if ticket.status not in (S.NEW, S.OPEN):
        raise IllegalTransition(f"A ticket that is {ticket.status} is not dropped.")
    solved = _set_status(ticket, S.SOLVED, "nothing_to_do", SYSTEM, now)
    return solved.then(_set_status(solved.ticket, S.CLOSED, "nothing_to_do", SYSTEM, now))


def identified(ticket: Ticket, customer_id: UUID, now: datetime) -> Change:
    """The ticket of somebody unknown, once it is known who they are.

    Raises IllegalTransition on a closed ticket.
    """
    _require_not_closed(ticket)
    return _told(replace(ticket, customer_id=customer_id), now, Updated(changed=("customer",), actor=SYSTEM))


def reply(ticket: Ticket, sent: Replied, actor: Actor, now: datetime) -> Change:
    """Something to the customer. An agent's first reply opens a new ticket.

    Raises IllegalTransition on a closed ticket.
    """
    _require_not_closed(ticket)
    change = _told(ticket, now, sent)
    is_answer = sent.author_kind is AuthorKind.AGENT and sent.purpose is Purpose.REPLY
    if is_answer and ticket.first_replied_at is None:
        answered = replace(change.ticket, first_replied_at=change.ticket.last_event_at)
        change = Change(answered, change.facts)
    if is_answer and ticket.status is S.NEW:
        change = change.then(_set_status(change.ticket, S.OPEN, "agent_replied", actor, now))
    return change


def note(ticket: Ticket) -> Ticket:
    """Something that only the staff sees: it takes its place in the timeline, and tells nobody anything.

    Raises IllegalTransition on a closed ticket.
    """
    _require_not_closed(ticket)
    return mention(ticket)


def mention(ticket: Ticket) -> Ticket:
    """The ticket with a place in its timeline for something that others tell about it."""
    return replace(ticket, entries=ticket.entries + 1)


def set_status(
    ticket: Ticket, status: TicketStatus, actor: Actor, now: datetime, *, close_after: timedelta
) -> Change:
    """A status set by hand. Setting the one it has tells nothing.

    close_after: how long a solved ticket waits for its customer before it is closed
    Raises IllegalTransition.
    """
    if status is ticket.status:
        return Change(ticket, ())
    if status not in BY_HAND[ticket.status]:
        raise IllegalTransition(f"A ticket that is {ticket.status} cannot become {status}.")
    cause = "reopen" if ticket.status is S.SOLVED and status is S.OPEN else "set"
    change = _set_status(ticket, status, cause, actor, now)
    if status is not S.SOLVED:
        return change
    due_at = change.ticket.last_event_at + close_after
    return Change(replace(change.ticket, close_due_at=due_at), change.facts)


def assigned(ticket: Ticket, now: datetime) -> Change:
    """The router gave it to somebody: a new ticket is open now."""
    if ticket.status is not S.NEW:
        return Change(ticket, ())
    return _set_status(ticket, S.OPEN, "assigned", SYSTEM, now)


def placed(ticket: Ticket, at: datetime, *, queue: str, support_tier: int, assignee_id: str | None) -> Ticket:
    """The ticket with where the router said, at that time, that it is. What was said before that stays unsaid."""
    if ticket.routed_at is not None and at < ticket.routed_at:
        return ticket
    after = replace(ticket, queue=queue, support_tier=support_tier, assignee_id=assignee_id, routed_at=at)
    is_seen = (after.queue, after.support_tier, after.assignee_id) != (
        ticket.queue,
        ticket.support_tier,
        ticket.assignee_id,
    )
    return replace(after, version=ticket.version + 1) if is_seen else after


def close(ticket: Ticket, now: datetime) -> Change:
    """A solved ticket that nobody came back to.

    Raises IllegalTransition.
    """
    if ticket.status is not S.SOLVED:
        raise IllegalTransition(f"A ticket that is {ticket.status} cannot be closed.")
    return _set_status(ticket, S.CLOSED, "closed_after", SYSTEM, now)


def erase(ticket: Ticket, actor: Actor, now: datetime) -> Change:
    """The ticket of a customer of whom nothing personal is kept: without its subject, and closed.

    That is told of one that was closed before, too: others keep words about it.
    """
    after = replace(ticket, subject="")
    if ticket.status is S.CLOSED:
        return _told(after, now, Erased())
    closed = _set_status(after, S.CLOSED, "erased", actor, now)
    return closed.then(_told(closed.ticket, now, Erased()))


def update(
    ticket: Ticket,
    actor: Actor,
    now: datetime,
    *,
    priority: Priority | None = None,
    labels: dict[str, str] | None = None,
    sources: dict[str, str] | None = None,
    subject: str | None = None,
) -> Change:
    """New facts of a ticket; none means unchanged. Only what others decide by is told.

    Raises IllegalTransition on a closed ticket.
    """
    _require_not_closed(ticket)
    after = replace(
        ticket,
        priority=priority or ticket.priority,
        labels=ticket.labels if labels is None else labels,
        sources=ticket.sources if sources is None else sources,
        subject=ticket.subject if subject is None else subject,
    )
    changed = tuple(name for name in ("priority", "labels") if getattr(after, name) != getattr(ticket, name))
    if changed:
        return _told(after, now, Updated(changed=changed, actor=actor))
    if after != ticket:
        return _told(after, now)
    return Change(ticket, ())


def customer_changed(ticket: Ticket, actor: Actor, now: datetime) -> Change:
    """Its customer's facts changed, which others decide by.

    Raises IllegalTransition on a ticket that is solved or closed: nobody decides about it any more.
    """
    if not ticket.status.is_unsolved:
        raise IllegalTransition(f"The ticket is {ticket.status}.")
    return _told(ticket, now, Updated(changed=("customer",), actor=actor))


def merge(source: Ticket, target: Ticket, actor: Actor, now: datetime) -> Change:
    """The source goes up in the target and is closed for good, if it was not closed before.

    Raises IllegalTransition for itself, a source that was merged before, or a target that was or is closed.
    """
    if source.ticket_id == target.ticket_id:
        raise IllegalTransition("A ticket cannot be merged into itself.")
    if source.merged_into is not None:
        raise IllegalTransition("The ticket went up in another one.")
    if target.merged_into is not None or target.status is S.CLOSED:
        raise IllegalTransition("The target is closed.")
    fact = Merged(target_ticket_id=target.ticket_id, previous=source.status, actor=actor)
    change = _told(source, now, fact)
    merged = replace(
        change.ticket,
        status=S.CLOSED,
        merged_into=target.ticket_id,
        closed_at=source.closed_at or change.ticket.last_event_at,
        close_due_at=None,
    )
    return Change(merged, change.facts)


def rate(ticket: Ticket, rated: Rated, now: datetime) -> Change:
    """The customer's rating, which a closed ticket takes too.

    Raises IllegalTransition on one that went up in another: its customer is asked about that one.
    """
    if ticket.merged_into is not None:
        raise IllegalTransition("The ticket went up in another one.")
    return _told(ticket, now, rated)


def _require_not_closed(ticket: Ticket) -> None:
    if ticket.merged_into is not None:
        raise IllegalTransition("The ticket went up in another one.")
    if ticket.status is S.CLOSED:
        raise IllegalTransition("The ticket is closed.")


def _told(ticket: Ticket, now: datetime, *facts: Fact) -> Change:
    """The ticket after telling these facts: time never goes back within one subject."""
    at = max(now, ticket.last_event_at)
    told = replace(
        ticket,
        sequence=ticket.sequence + len(facts),
        entries=ticket.entries + len(facts),
        last_event_at=at,
        updated_at=at,
        version=ticket.version + 1,
    )
    return Change(told, facts)


def _set_status(ticket: Ticket, status: TicketStatus, cause: str, actor: Actor, now: datetime) -> Change:
    change = _told(ticket, now, StatusChanged(previous=ticket.status, status=status, cause=cause, actor=actor))
    at = change.ticket.last_event_at
    after = replace(
        change.ticket,
        status=status,
        solved_at=at if status is S.SOLVED else (ticket.solved_at if status is S.CLOSED else None),
        closed_at=at if status is S.CLOSED else None,
        close_due_at=None,
    )
    return Change(after, change.facts)
