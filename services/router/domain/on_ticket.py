"""What happens to work when something happens to its ticket."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.admission import admitted, is_planned, may_stay
from services.router.domain.agent import ABSENT
from services.router.domain.facts import Facts
from services.router.domain.policy import Matched, match
from services.router.domain.preference import preferred_by_rule
from services.router.domain.reasons import Reasons
from services.router.domain.state import RoutingState
from services.router.domain.steps import (
    base_priority,
    cancelled,
    left_behind,
    queued,
    reprioritised,
    requeued,
    revoked,
)
from services.router.domain.work_item import PARKED, Ticket, WorkItem, waits_for_customer
from shared.ids import IdFactory
from shared.vocabulary import TicketStatus, WorkState

S = TicketStatus


def on_known(state: RoutingState, known: inputs.TicketKnown, ids: IdFactory) -> Iterator[d.Decision]:
    """A ticket is there, or its facts have changed. That a known one's status is another follows as an input."""
    ticket = _ticket(state, known)
    is_new = ticket.facts is None
    status = (known.status if is_new else None) or ticket.status
    yield d.TicketLearned(ticket_id=known.ticket_id, facts=known.facts, status=status)
    item = state.live_item(known.ticket_id)
    if item is not None and ticket.facts != known.facts:
        yield from _reconsidered(state, item, known.facts, "ticket_updated")
    elif is_new and status.is_unsolved:
        yield queued(state, known.ticket_id, known.facts, None, ids)


def on_status(
    state: RoutingState, changed: inputs.TicketStatusSet, now: datetime, ids: IdFactory
) -> Iterator[d.Decision]:
    """The ticket's status changed."""
    ticket = _ticket(state, changed)
    item = state.live_item(changed.ticket_id)
    yield d.TicketLearned(
        ticket_id=changed.ticket_id, facts=ticket.facts, status=changed.status, early=ticket.early
    )
    if changed.status is S.SOLVED:
        yield from _solved(state, item, now)
    elif changed.status is S.CLOSED:
        yield from _ended(state, item, "closed")
    elif item is None or (item.state is WorkState.WRAPPING and not ticket.status.is_unsolved):
        yield from _reopened(state, ticket, item, ids)
    elif changed.status in PARKED:
        yield from _parked(item, changed.status)
    else:
        yield from _opened(state, ticket, item, now)


def on_gone(state: RoutingState, gone: inputs.TicketGone) -> Iterator[d.Decision]:
    """The ticket went up in another one."""
    ticket = _ticket(state, gone)
    yield d.TicketLearned(ticket_id=gone.ticket_id, facts=ticket.facts, status=S.CLOSED)
    yield from _ended(state, state.live_item(gone.ticket_id), "merged")


def on_reconsider(state: RoutingState, again: inputs.Reconsider) -> Iterator[d.Decision]:
    """A new configuration holds: what waits is matched against its policy. Work in hand stays as it is."""
    item = state.items[again.work_id]
    facts = state.tickets[item.ticket_id].facts
    if item.is_waiting and facts is not None:
        yield from _reconsidered(state, item, facts, "policy_changed")


def _ticket(
    state: RoutingState,
    about: inputs.TicketKnown | inputs.TicketStatusSet | inputs.TicketGone,
) -> Ticket:
    return state.tickets.get(about.ticket_id) or Ticket(ticket_id=about.ticket_id)


def _reconsidered(state: RoutingState, item: WorkItem, facts: Facts, reason: str) -> Iterator[d.Decision]:
    """The policy is asked again. A priority only reorders, other requirements or steps begin anew.

    What somebody has in hand stays where it is, and what was moved while its queue is there.
    """
    matched = match(state.configuration.policy, item.ticket_id, facts, state.moment())
    yield from reprioritised(state, item, base_priority(matched, facts).raised(item.raised_by), reason)
    if matched.rule.expedite and not item.is_expedited:
        reasons = Reasons(policy_version=state.configuration.policy.version, step=item.step, trail=matched.trail)
        yield d.Expedited(work_id=item.work_id, reason=reason, reasons=reasons)
    if not item.is_waiting or (item.is_moved and item.base.queue in state.configuration.queues):
        return
    if not (may_stay(state, matched, item.base) and is_planned(state, item, matched.rule.steps)):
        wanted = admitted(state, matched, item.channel_kind)
        yield from revoked(state, item, "requirements_changed")
        yield requeued(state, item, "requirements_changed", matched=wanted)
    elif item.state is WorkState.QUEUED:
        yield from _preferred(state, item, matched)


def _preferred(state: RoutingState, item: WorkItem, matched: Matched) -> Iterator[d.Decision]:
    """Whom the rule would have it go to now, as where a label names its owner: asked first from now on."""
    here = replace(matched, requirements=item.base, rule=replace(matched.rule, steps=item.steps))
    last = state.tickets[item.ticket_id].last_agent_id
    chosen = preferred_by_rule(state, here, item.channel_kind, last).agent_id
    if chosen not in (None, item.preferred_agent_id):
        yield requeued(state, item, "requirements_changed", matched=here, restarts=False)


def _solved(state: RoutingState, item: WorkItem | None, now: datetime) -> Iterator[d.Decision]:
    if item is None or item.state is WorkState.WRAPPING:
        return
    if item.state is not WorkState.ASSIGNED:
        yield from cancelled(state, item, "solved")
        return
    wrap_up = state.configuration.queue(item.requirements.queue).wrap_up_for(item.channel_kind)
    if wrap_up:
        yield d.WrapUpStarted(work_id=item.work_id, until=now + wrap_up)
    else:
        yield d.WorkCompleted(work_id=item.work_id)


def _ended(state: RoutingState, item: WorkItem | None, reason: str) -> Iterator[d.Decision]:
    if item is None:
        return
    if item.state is WorkState.WRAPPING:
        yield d.WorkCompleted(work_id=item.work_id)
    else:
        yield from cancelled(state, item, reason)


def _parked(item: WorkItem, status: TicketStatus) -> Iterator[d.Decision]:
    """Waiting for the customer: whoever has it keeps it, absent or not, and has room for more meanwhile."""
    if item.return_at is not None:
        yield d.ReturnScheduled(work_id=item.work_id, at=None)
    is_relieved = item.bears_load and waits_for_customer(item.channel_kind, status)
    if item.state is WorkState.ASSIGNED and is_relieved:
        yield d.LoadParked(work_id=item.work_id)


def _opened(state: RoutingState, ticket: Ticket, item: WorkItem, now: datetime) -> Iterator[d.Decision]:
    """Open: the agent's room is taken again; if the customer has answered somebody absent, only for a while."""
    if item.agent_id is None:
        return
    if not item.bears_load:
        has_room = state.agents[item.agent_id].has_room(item.channel_kind)
        yield d.LoadReturned(work_id=item.work_id, over_capacity=not has_room)
    if ticket.status in PARKED and state.agents[item.agent_id].state in ABSENT:
        yield from left_behind(state, item, now)


def _reopened(state: RoutingState, ticket: Ticket, item: WorkItem | None, ids: IdFactory) -> Iterator[d.Decision]:
    """Unsolved again: a solved ticket becomes new work for its last agent, whose wrap-up is over."""
    if item is not None:
        yield d.WorkCompleted(work_id=item.work_id)
    if ticket.facts is not None:
        yield queued(state, ticket.ticket_id, ticket.facts, ticket.last_agent_id, ids)
