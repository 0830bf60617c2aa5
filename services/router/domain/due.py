"""Which timers are due. One that was overtaken holds no more, and is passed over when it comes up."""

from collections.abc import Iterator
from datetime import datetime
from heapq import heapify, heappop

from services.router.domain.state import RoutingState
from services.router.domain.timers import Timer, TimerKind


def next_due_at(state: RoutingState) -> datetime | None:
    """When the next timer that still holds is due."""
    while state.timers and not holds(state, state.timers[0]):
        heappop(state.timers)
    if len(state.timers) > state.most_timers:
        _tidy(state)
    return state.timers[0].due_at if state.timers else None


def _tidy(state: RoutingState) -> None:
    """Drops what holds no more: memory follows what is awaited, not everything that ever was."""
    state.timers = [timer for timer in set(state.timers) if holds(state, timer)]
    heapify(state.timers)
    state.count_timers()


def due(state: RoutingState, now: datetime) -> Iterator[Timer]:
    """Timers that are due and still hold, the earliest first. State may change between two of them."""
    while (at := next_due_at(state)) is not None and at <= now:
        yield heappop(state.timers)


def holds(state: RoutingState, timer: Timer) -> bool:
    """Whether what a timer was set for still stands."""
    if isinstance(timer.subject_id, str):
        return _holds_for_floor(state, timer, timer.subject_id)
    if timer.kind is TimerKind.OFFER_EXPIRES:
        return timer.subject_id in state.offers
    item = state.items.get(timer.subject_id)
    if item is None:
        return False
    match timer.kind:
        case TimerKind.STEP_OPENS:
            return item.is_waiting and state.next_step_at(item) == timer.due_at
        case TimerKind.HOLD_ENDS:
            return item.is_waiting and item.held_until == timer.due_at
        case TimerKind.WRAP_ENDS:
            return item.wrap_until == timer.due_at
        case TimerKind.ITEM_RETURNS:
            return item.return_at == timer.due_at
        case TimerKind.ORDER_LAPSES:
            return item.done_by == timer.due_at
        case _:
            raise AssertionError("not about an item")


def _holds_for_floor(state: RoutingState, timer: Timer, name: str) -> bool:
    """Whether a timer about an agent or a queue still holds."""
    if timer.kind is TimerKind.POLICY_ASKED:
        return state.reconsidering is not None and state.reconsidering.due_at == timer.due_at
    if timer.kind is TimerKind.QUEUE_TURNS:
        return state.opening(name).until == timer.due_at
    agent = state.agents.get(name)
    if agent is None:
        return False
    if timer.kind is TimerKind.CONNECTION_LOST:
        return state.lost_at(agent) == timer.due_at
    return agent.standing.until == timer.due_at
