"""Turns what escalation tells of SLA clocks into inputs of the engine."""

from datetime import datetime, timedelta
from functools import partial

from services.router.domain import inputs
from shared.events.escalations import (
    ClockContract,
    SlaBreachedV1,
    SlaClockPausedV1,
    SlaClockResumedV1,
    SlaClockSnapshotV1,
    SlaClockStartedV1,
    SlaClockStoppedV1,
    SlaMetV1,
)
from shared.vocabulary import ClockState

_MOST_S = 100 * 366 * 86_400.0


def to_clock(told: ClockContract, at: datetime) -> inputs.ClockKnown | None:
    """How the clock stands after an event; None where that has not changed. at: when the event happened"""
    known = partial(inputs.ClockKnown, ticket_id=told.ticket_id, clock_id=told.clock_id, metric=told.metric)
    match told:
        case SlaClockStartedV1():
            return known(at=told.started_at, target=_span(told.target_s), due_at=told.due_at)
        case SlaClockPausedV1():
            return known(at=at, elapsed=_span(told.elapsed_s))
        case SlaClockResumedV1():
            target = None if told.target_s is None else _span(told.target_s)
            return known(at=at, elapsed=_span(told.elapsed_s), target=target, due_at=told.due_at)
        case SlaBreachedV1():
            target, elapsed = _span(told.target_s), _span(told.elapsed_s)
            return known(at=told.due_at, elapsed=elapsed, target=target, due_at=told.due_at)
        case SlaClockSnapshotV1():
            return known(
                at=at,
                elapsed=_span(told.elapsed_s),
                target=_span(told.target_s),
                due_at=told.due_at,
                is_over=told.state in (ClockState.MET, ClockState.CANCELLED),
            )
        case SlaMetV1() | SlaClockStoppedV1():
            return known(at=at, is_over=True)
        case _:
            return None


def _span(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0.0), _MOST_S))
