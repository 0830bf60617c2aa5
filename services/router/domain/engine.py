"""The engine: one input at a time, in order, with the time and the seed it is given.

`decide` only reads, `evolve` changes the state in place; the same inputs give the same decisions, byte for
byte. That is what records, replay, what-if and property tests stand on. After each input, waiting work and
agents who have room are brought together until nothing fits any more.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import assert_never

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.due import due
from services.router.domain.evolve import evolve
from services.router.domain.floor_decision import SetAside
from services.router.domain.on_agent import on_configured, on_return, on_state
from services.router.domain.on_call import on_call_ended, on_wrap_end
from services.router.domain.on_clock import on_clock
from services.router.domain.on_connection import on_connected, on_disconnected, on_lost
from services.router.domain.on_escalation import on_escalation, widening
from services.router.domain.on_hours import on_duty_turn, on_queue_turn
from services.router.domain.on_next import on_next
from services.router.domain.on_offer import on_accept, on_decline, on_expiry
from services.router.domain.on_partner import on_order_ended, on_order_late
from services.router.domain.on_ticket import on_gone, on_known, on_reconsider, on_status
from services.router.domain.on_work import on_assign, on_complete, on_release, on_step, on_transfer
from services.router.domain.preference import WAITED, hold_ended
from services.router.domain.reconsidering import PAUSE
from services.router.domain.settling import settle
from services.router.domain.state import RoutingState
from services.router.domain.timers import Timer, TimerKind
from shared.ids import IdFactory

FollowUp = inputs.Reconsider | inputs.OpenStep | Timer
"""What is decided behind an input."""


def run(state: RoutingState, current: inputs.Input, now: datetime, ids: IdFactory) -> Iterator[d.Decision]:
    """Everything that follows from one input: each decision is given when it has been done.

    Raises DomainError at once where a command is refused; then nothing has changed.
    """
    state.reach(now)
    for each in _with_follow_ups(state, current, now):
        state.tell_all()
        for decision in _decided(state, each, now, ids):
            evolve(state, decision, now)
            yield decision
    yield from settle(state, now, ids)


def _decided(
    state: RoutingState, current: inputs.Input | FollowUp, now: datetime, ids: IdFactory
) -> list[d.Decision]:
    """All that it leads to, before any of it is done. A timer that cannot be decided is set aside.

    Else it would end the process, and come up again as soon as the next one has read the rows; and everybody else
    whom that process routes for would wait for one defect.
    """
    if not isinstance(current, Timer):
        return list(decide(state, current, now, ids))
    try:
        return list(decide(state, current, now, ids))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - nobody foresaw it
        return [SetAside(what=current.kind, subject=str(current.subject_id), error=error)]


def decide(
    state: RoutingState, current: inputs.Input | FollowUp, now: datetime, ids: IdFactory
) -> Iterator[d.Decision]:
    """What an input, what follows from one, or a timer that is due leads to. Only reads."""
    match current:
        case inputs.TicketKnown():
            yield from on_known(state, current, ids)
        case inputs.TicketStatusSet():
            yield from on_status(state, current, now, ids)
        case inputs.TicketGone():
            yield from on_gone(state, current)
        case inputs.CallEnded():
            yield from on_call_ended(state, current, now, ids)
        case inputs.ClockKnown():
            yield from on_clock(state, current)
        case inputs.EscalationRaised():
            yield from on_escalation(state, current)
        case inputs.SetAgentState():
            yield from on_state(state, current, now)
        case inputs.Connected():
            yield from on_connected(state, current, now)
        case inputs.Disconnected():
            yield from on_disconnected(state, current)
        case inputs.AcceptOffer():
            yield from on_accept(state, current, now)
        case inputs.DeclineOffer():
            yield from on_decline(state, current)
        case inputs.EndOrder():
            yield from on_order_ended(state, current)
        case inputs.TakeNext():
            yield from on_next(state, current)
        case inputs.Transfer():
            yield from on_transfer(state, current)
        case inputs.Release():
            yield from on_release(state, current)
        case inputs.Complete():
            yield from on_complete(state, current, ids)
        case inputs.Assign():
            yield from on_assign(state, current)
        case inputs.Configure() | inputs.ConfigureAgents():
            yield from on_configured(state, current, ids)
        case inputs.OpenStep():
            yield from on_step(state, state.items[current.work_id], note=current.note)
        case inputs.Reconsider():
            yield from on_reconsider(state, current)
        case inputs.Tick():
            return  # what is due comes as timers
        case Timer():
            yield from _on_timer(state, current, now, ids)
        case _:
            assert_never(current)


def _with_follow_ups(
    state: RoutingState, current: inputs.Input, now: datetime
) -> Iterator[inputs.Input | FollowUp]:
    """The input, and what has to be decided behind it. Read lazily: each is decided before the next is made."""
    if isinstance(current, inputs.TicketKnown):
        ticket = state.tickets.get(current.ticket_id)
        early = ticket.early if ticket else ()
        yield current
        for raised in early:
            yield from _with_follow_ups(
                state, inputs.EscalationRaised(ticket_id=current.ticket_id, raised=raised), now
            )
        if current.status not in (None, state.tickets[current.ticket_id].status):
            yield inputs.TicketStatusSet(ticket_id=current.ticket_id, status=current.status)
    elif isinstance(current, inputs.Configure | inputs.ConfigureAgents):
        before = state.configuration
        yield current
        for agent_id in sorted(state.agents):
            if state.agents[agent_id].standing.until == now:
                yield Timer(now, TimerKind.DUTY_TURNS, agent_id)
        if state.configuration.routes_otherwise(before):
            yield from _reconsidered(state, now)
    elif isinstance(current, inputs.EscalationRaised):
        yield current
        yield from widening(state, current)
    elif isinstance(current, inputs.Tick):
        for timer in due(state, now):
            if timer.kind is TimerKind.POLICY_ASKED:
                yield from _reconsidered(state, now)
            else:
                yield timer
    else:
        yield current


def _reconsidered(state: RoutingState, now: datetime) -> Iterator[inputs.Reconsider]:
    """The next of what a changed policy is to be asked about."""
    going_on = state.reconsidering
    if going_on is None:
        return
    for work_id in going_on.portion(state.items):
        yield inputs.Reconsider(work_id=work_id)
    state.touched.is_reconsidering = True
    if going_on.is_over(state.items):
        state.reconsidering = None
    else:
        state.go_on_reconsidering(now + PAUSE)


_TURNS: Mapping[TimerKind, Callable[[RoutingState, str, datetime], Iterator[d.Decision]]] = {
    TimerKind.DUTY_TURNS: on_duty_turn,
    TimerKind.QUEUE_TURNS: on_queue_turn,
    TimerKind.CONNECTION_LOST: on_lost,
}
"""Timers about agents and queues."""


def _on_timer(state: RoutingState, timer: Timer, now: datetime, ids: IdFactory) -> Iterator[d.Decision]:
    if isinstance(timer.subject_id, str):
        yield from _TURNS[timer.kind](state, timer.subject_id, now)
        return
    match timer.kind:
        case TimerKind.OFFER_EXPIRES:
            yield from on_expiry(state, state.offers[timer.subject_id])
        case TimerKind.STEP_OPENS:
            yield from on_step(state, state.items[timer.subject_id])
        case TimerKind.HOLD_ENDS:
            yield hold_ended(state.items[timer.subject_id], WAITED)
        case TimerKind.WRAP_ENDS:
            yield from on_wrap_end(state, state.items[timer.subject_id], ids)
        case TimerKind.ITEM_RETURNS:
            yield from on_return(state, state.items[timer.subject_id], ids)
        case TimerKind.ORDER_LAPSES:
            yield from on_order_late(state, state.items[timer.subject_id])
