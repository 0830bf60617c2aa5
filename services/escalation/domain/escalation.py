"""An escalation: a policy's steps, as they were when it began, taken one by one until somebody acts.

A step is pure: it says what is to be done and when the next one is due. Waits count from when the step before
was really taken, so that after downtime people still get the time that the policy gives them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.escalation.domain.escalation_policy import Notify, RaisePriority, Requeue, Step, Wait
from services.escalation.domain.recipient import Recipient
from shared.errors import IllegalTransition
from shared.vocabulary import EscalationState, SlaMetric

BREACHED = "sla.breached"
MANUAL = "manual"

Reach = Callable[[Notify], tuple[Recipient, ...]]
"""Finds everybody that a step tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """One escalation of a ticket.

    clock_id, metric, generation: none where a person began it
    position: the next step; level: how many were taken; next_at: when the next is taken
    wait_left: what is left of a wait that stands still with its clock
    sequence, last_event_at: of the last event that was told about it
    """

    escalation_id: UUID
    workspace_id: str
    ticket_id: UUID
    clock_id: UUID | None
    metric: SlaMetric | None
    generation: int | None
    trigger: str
    policy: str
    policy_version: int
    steps: tuple[Step, ...]
    reason: str | None = None
    raised_by: str | None = None
    state: EscalationState = EscalationState.RAISED
    position: int = 0
    level: int = 0
    next_at: datetime | None
    wait_left: timedelta | None = None
    started_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolved_cause: str | None = None
    sequence: int = 0
    last_event_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is not resolved."""
        return self.state is not EscalationState.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A step that was taken. Steps and levels count from 1."""

    step: int
    level: int
    action: RaisePriority | Requeue | Notify
    recipients: tuple[Recipient, ...] = ()


def advance(escalation: Escalation, now: datetime, reach: Reach) -> tuple[Escalation, tuple[Taken, ...]]:
    """Takes every step that is due, up to the next wait.

    Where a step finds nobody to tell, the next one is taken at once.
    """
    taken: list[Taken] = []
    position, level, next_at = escalation.position, escalation.level, escalation.next_at
    is_silent = False
    while next_at is not None and next_at <= now:
        if position == len(escalation.steps):
            next_at = None
            break
        step = escalation.steps[position]
        position += 1
        if isinstance(step, Wait):
            next_at = next_at if is_silent else now + step.duration
            continue
        recipients = reach(step) if isinstance(step, Notify) else ()
        is_silent = isinstance(step, Notify) and all(found.address is None for found in recipients)
        level += 1
        taken.append(Taken(step=position, level=level, action=step, recipients=recipients))
    return replace(escalation, position=position, level=level, next_at=next_at), tuple(taken)


def acknowledge(escalation: Escalation, by: str, now: datetime) -> Escalation:
    """Somebody has taken it on: no further step is taken. Doing it twice changes nothing.

    Raises IllegalTransition where it is resolved.
    """
    if escalation.state is EscalationState.ACKNOWLEDGED:
        return escalation
    if not escalation.is_live:
        raise IllegalTransition("The escalation is resolved.")
    return replace(
        escalation,
        state=EscalationState.ACKNOWLEDGED,
        acknowledged_at=now,
        acknowledged_by=by,
        next_at=None,
        wait_left=None,
    )


def resolve(escalation: Escalation, cause: str, now: datetime, by: str | None = None) -> Escalation:
    """It is over. Doing it twice changes nothing."""
    if not escalation.is_live:
        return escalation
    return replace(
        escalation,
        state=EscalationState.RESOLVED,
        resolved_at=now,
        resolved_by=by,
        resolved_cause=cause,
        next_at=None,
        wait_left=None,
    )


def hold(escalation: Escalation, now: datetime) -> Escalation:
    """Its wait stands still while its clock does."""
    if escalation.next_at is None:
        return escalation
    return replace(escalation, next_at=None, wait_left=max(timedelta(0), escalation.next_at - now))


def release(escalation: Escalation, now: datetime) -> Escalation:
    """Its wait goes on with what was left of it."""
    if escalation.wait_left is None:
        return escalation
    return replace(escalation, next_at=now + escalation.wait_left, wait_left=None)
