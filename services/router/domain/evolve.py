"""What each decision does to the state. Total and deterministic: a decision that was made can be followed."""

from datetime import datetime
from uuid import UUID

from services.router.domain import decision as d
from services.router.domain.admission import steps_behind_next
from services.router.domain.evolve_floor import evolve_floor
from services.router.domain.state import RoutingState
from services.router.domain.timers import TimerKind
from services.router.domain.work_item import Offer, OfferState, Ticket, WorkItem, waits_for_customer
from shared.vocabulary import AssignmentMode, TicketStatus, WorkState


def evolve(state: RoutingState, decision: d.Decision, now: datetime) -> None:
    """Changes the state in place as the decision says."""
    match decision:
        case d.TicketLearned():
            _learn(state, decision)
        case d.CallNoted():
            _ticket(state, decision.ticket_id).ended_call = decision.call_id
        case d.ClocksSet():
            _set_clocks(state, decision)
        case d.WorkQueued():
            _queue(state, decision, now)
        case d.StepOpened():
            _open_step(state, decision, now)
        case d.WorkOffered():
            _offer(state, decision, now)
        case d.WorkAssigned():
            _assign(state, decision, now)
        case d.OfferEnded():
            _end_offer(state, decision, now)
        case d.WorkRequeued():
            _requeue(state, decision, now)
        case d.Expedited():
            _expedite(state, decision)
        case d.PriorityChanged():
            _change_priority(state, decision)
        case d.HoldEnded():
            _end_hold(state, _item(state, decision.work_id))
        case d.WrapUpStarted():
            _wrap_up(state, decision, now)
        case d.WorkCompleted():
            _end(state, _item(state, decision.work_id), WorkState.COMPLETED, now)
        case d.WorkCancelled():
            _end(state, _item(state, decision.work_id), WorkState.CANCELLED, now)
        case d.LoadParked() | d.LoadReturned():
            _bear_load(state, decision, now)
        case d.ReturnScheduled():
            _schedule_return(state, decision)
        case d.EscalationRefused():
            pass  # a record of nothing done
        case _:
            evolve_floor(state, decision, now)


def _item(state: RoutingState, work_id: UUID) -> WorkItem:
    """A live item that is about to change."""
    item = state.items[work_id]
    state.touched.items[work_id] = item
    return item


def _ticket(state: RoutingState, ticket_id: UUID) -> Ticket:
    state.touched.tickets.add(ticket_id)
    return state.tickets.setdefault(ticket_id, Ticket(ticket_id=ticket_id))


def _learn(state: RoutingState, learned: d.TicketLearned) -> None:
    ticket = _ticket(state, learned.ticket_id)
    ticket.facts = learned.facts
    ticket.status = learned.status
    ticket.early = learned.early
    if ticket.status is TicketStatus.CLOSED:
        ticket.clocks = ()


def _set_clocks(state: RoutingState, known: d.ClocksSet) -> None:
    ticket = _ticket(state, known.ticket_id)
    item = state.live_item(known.ticket_id)
    waits = item is not None and item.in_line
    if item is not None and waits:
        state.take_out_of_line(item)
    ticket.clocks = known.clocks
    if item is not None and waits:
        state.put_in_line(item)


def _queue(state: RoutingState, queued: d.WorkQueued, now: datetime) -> None:
    item = WorkItem(
        work_id=queued.work_id,
        ticket_id=queued.ticket_id,
        channel=queued.channel,
        channel_kind=queued.channel_kind,
        base=queued.base,
        steps=queued.steps,
        rule=queued.rule,
        policy_version=queued.reasons.policy_version,
        priority=queued.priority,
        is_expedited=queued.is_expedited,
        queued_at=now,
        started_at=now,
        stint_at=now,
        preferred_agent_id=queued.preferred_agent_id,
        held_until=queued.held_until,
        ignores_capacity=queued.ignores_capacity,
        last_event_at=now,
    )
    state.items[item.work_id] = item
    state.touched.items[item.work_id] = item
    _ticket(state, item.ticket_id).work_id = item.work_id
    _join(state, item)
    state.watch(item)


def _join(state: RoutingState, item: WorkItem) -> None:
    """The item waits from now on, or for something else."""
    state.put_in_line(item)
    if item.opens_early:
        state.impatient.append(item.work_id)


def _open_step(state: RoutingState, opened: d.StepOpened, now: datetime) -> None:
    item = _item(state, opened.work_id)
    state.take_out_of_line(item)
    item.ask(item.base, steps_behind_next(state, item), item.step + 1)
    if item.requirements.queue != opened.previous_queue:
        item.stint_at = now
    _join(state, item)
    state.watch(item)


def _offer(state: RoutingState, offered: d.WorkOffered, now: datetime) -> None:
    item = _item(state, offered.work_id)
    agent = state.agents[offered.agent_id]
    state.take_out_of_line(item)
    if state.configuration.queue(item.requirements.queue).most_asked(item.channel_kind) == 1:
        item.held_until = None
    item.state = WorkState.OFFERED
    item.offers[offered.offer_id] = agent.agent_id
    offer = Offer(
        offer_id=offered.offer_id,
        work_id=item.work_id,
        ticket_id=item.ticket_id,
        agent_id=agent.agent_id,
        offered_at=now,
        expires_at=offered.expires_at,
    )
    state.offers[offer.offer_id] = offer
    state.touched.offers[offer.offer_id] = offer
    agent.offers.add(offer.offer_id)
    state.occupy(agent, item.channel_kind)
    state.arm(offer.expires_at, TimerKind.OFFER_EXPIRES, offer.offer_id)
    state.put_in_line(item)


def _assign(state: RoutingState, assigned: d.WorkAssigned, now: datetime) -> None:
    item = _item(state, assigned.work_id)
    agent = state.agents[assigned.agent_id]
    state.take_out_of_line(item)
    item.held_until = None
    item.state = WorkState.ASSIGNED
    item.agent_id = agent.agent_id
    item.assigned_at = now
    item.done_by = assigned.done_by
    item.accepted_offer_id = assigned.offer_id
    item.bears_load = not waits_for_customer(item.channel_kind, state.tickets[item.ticket_id].status)
    item.over_capacity = assigned.over_capacity
    agent.work.add(item.work_id)
    if assigned.mode is AssignmentMode.ACCEPTED:
        agent.missed = 0
    agent.last_assigned[item.channel_kind] = now
    if assigned.offer_id is not None:
        # The offer held the capacity that the assignment takes over.
        _close_offer(state, assigned.offer_id, OfferState.ACCEPTED, "accepted", now)
    if item.bears_load == (assigned.offer_id is not None):
        state.refresh(agent)
    elif item.bears_load:
        state.occupy(agent, item.channel_kind)
    else:
        state.free(agent, item.channel_kind, now)
    _ticket(state, item.ticket_id).last_agent_id = agent.agent_id
    state.watch(item)


def _end_offer(state: RoutingState, ended: d.OfferEnded, now: datetime) -> None:
    offer = _close_offer(state, ended.offer_id, ended.state, ended.reason, now)
    agent = state.agents[offer.agent_id]
    item = _item(state, offer.work_id)
    if ended.is_refusal:
        item.refused_by[agent.agent_id] = agent.availability
        state.take_out_of_line(item)
        item.held_until = None
    if ended.state is OfferState.EXPIRED:
        agent.missed += 1
    state.free(agent, item.channel_kind, now)
    state.put_in_line(item)


def _close_offer(state: RoutingState, offer_id: UUID, final: OfferState, reason: str, now: datetime) -> Offer:
    offer = state.offers.pop(offer_id)
    offer.state = final
    offer.reason = reason
    offer.ended_at = now
    state.touched.offers[offer_id] = offer
    state.agents[offer.agent_id].offers.discard(offer_id)
    del state.items[offer.work_id].offers[offer_id]
    return offer


def _requeue(state: RoutingState, requeued: d.WorkRequeued, now: datetime) -> None:
    item = _item(state, requeued.work_id)
    state.take_out_of_line(item)
    if item.agent_id is not None:
        _take_from_agent(state, item, item.agent_id, now)
        item.agent_id = item.assigned_at = item.accepted_offer_id = item.wrapping_at = None
    item.state = WorkState.QUEUED
    item.channel_kind = state.tickets[item.ticket_id].work_kind(item.channel_kind)
    if requeued.escalation_id is not None:
        item.leave(requeued.escalation_id)
    item.preferred_agent_id = requeued.preferred_agent_id or item.preferred_agent_id
    if requeued.reason == "transfer" or (requeued.base, requeued.steps) != (item.base, item.steps):
        item.refused_by.clear()  # whoever refused it has not refused this
    item.ask(requeued.base, requeued.steps, 0 if requeued.restarts else item.step)
    item.is_moved = requeued.is_moved
    item.is_expedited = item.is_expedited or requeued.is_expedited
    item.rule = requeued.rule or item.rule
    item.policy_version = requeued.reasons.policy_version
    if requeued.restarts or requeued.preferred_agent_id is not None:
        item.held_until = requeued.held_until
        item.ignores_capacity = requeued.ignores_capacity
    if requeued.restarts:
        item.started_at = now
    if requeued.previous_agent_id is not None or item.requirements.queue != requeued.previous_queue:
        item.stint_at = now
    if requeued.excluded is not None and requeued.excluded in state.agents:
        item.refused_by[requeued.excluded] = state.agents[requeued.excluded].availability
    _join(state, item)
    state.watch(item)


def _expedite(state: RoutingState, expedited: d.Expedited) -> None:
    item = _item(state, expedited.work_id)
    state.take_out_of_line(item)
    item.is_expedited = True
    state.put_in_line(item)


def _end_hold(state: RoutingState, item: WorkItem) -> None:
    state.take_out_of_line(item)
    item.held_until = None
    _join(state, item)


def _change_priority(state: RoutingState, changed: d.PriorityChanged) -> None:
    item = _item(state, changed.work_id)
    state.take_out_of_line(item)
    item.priority = changed.priority
    item.raised_by = changed.raised_by
    state.put_in_line(item)


def _wrap_up(state: RoutingState, started: d.WrapUpStarted, now: datetime) -> None:
    item = _item(state, started.work_id)
    item.state = WorkState.WRAPPING
    item.wrapping_at = now
    item.wrap_until = started.until
    item.return_at = item.done_by = None
    if item.agent_id is not None:
        agent = state.agents[item.agent_id]
        agent.wrapping += 1
        state.refresh(agent)
    state.watch(item)


def _end(state: RoutingState, item: WorkItem, final: WorkState, now: datetime) -> None:
    state.take_out_of_line(item)
    if item.agent_id is not None:
        item.wrapping_at = item.wrapping_at or now
        _take_from_agent(state, item, item.agent_id, now)
    item.state = final
    item.ended_at = now
    del state.items[item.work_id]
    _ticket(state, item.ticket_id).work_id = None


def _take_from_agent(state: RoutingState, item: WorkItem, agent_id: str, now: datetime) -> None:
    agent = state.agents[agent_id]
    agent.work.discard(item.work_id)
    if item.state is WorkState.WRAPPING:
        agent.wrapping -= 1
    if item.bears_load:
        state.free(agent, item.channel_kind, now)
    else:
        state.refresh(agent)
    item.wrap_until = item.return_at = item.done_by = None
    item.bears_load = True
    item.over_capacity = False


def _bear_load(state: RoutingState, changed: d.LoadParked | d.LoadReturned, now: datetime) -> None:
    item = _item(state, changed.work_id)
    assert item.agent_id is not None
    agent = state.agents[item.agent_id]
    item.bears_load = isinstance(changed, d.LoadReturned)
    item.over_capacity = isinstance(changed, d.LoadReturned) and changed.over_capacity
    if item.bears_load:
        state.occupy(agent, item.channel_kind)
    else:
        state.free(agent, item.channel_kind, now)


def _schedule_return(state: RoutingState, scheduled: d.ReturnScheduled) -> None:
    item = _item(state, scheduled.work_id)
    item.return_at = scheduled.at
    state.watch(item)
