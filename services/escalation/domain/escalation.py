"""An escalation: a policy's steps, as they were when it began, taken one by one until somebody acts.

A step is pure: it says what is to be done and when the next one is due. Waits count from when the step before
was really taken, so that after downtime people still get the time that the policy gives them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.escalation.domain.escalation_policy import Action, Gate, Notify, Repeat, Requeue, Step, Wait
from services.escalation.domain.recipient import Recipient, Way
from shared.errors import IllegalTransition
from shared.vocabulary import EscalationState, SlaMetric

BREACHED = "sla.breached"
WARNED = "sla.warned"
MANUAL = "manual"
RATED = "rated"

Reach = Callable[[Notify], tuple[Recipient, ...]]
"""Finds everybody that a step tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a step depends on beyond its chain, as it is when it is taken.

    manager: of whoever has the work, or else of its queue
    begun: how often the policy was set off in so long up to now, this time included
    """

    reach: Reach
    manager: str | None = None
    is_unassigned: bool
    begun: Callable[[timedelta], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """One escalation of a ticket, a queue or a KPI.

    watch: what is watched where it is of no ticket; queue, kpi: what that is
    clock_id, metric, generation: none where no promise began it
    trigger: what began it; trigger_id: as it is configured, none where a target or a person did
    steps, ack_timeout: of its policy as it was when this began
    position: the next step; level: how many were taken; rounds: how often the repeat under way went back
    next_at: when the next step is taken; wait_left: what is left of a wait that stands still
    resumes_at: until when it is put off, or left to whoever acknowledged
    on_call: by rotation, whom steps told because they were; hand_off_at: when to look who is now
    sequence, last_event_at: of the last event that was told about it
    """

    escalation_id: UUID
    workspace_id: str
    ticket_id: UUID | None
    watch: str | None = None
    queue: str | None = None
    kpi: str | None = None
    clock_id: UUID | None = None
    metric: SlaMetric | None = None
    generation: int | None = None
    trigger: str
    trigger_id: str | None = None
    policy: str
    policy_version: int
    steps: tuple[Step, ...]
    ack_timeout: timedelta | None = None
    reason: str | None = None
    raised_by: str | None = None
    state: EscalationState = EscalationState.RAISED
    position: int = 0
    level: int = 0
    rounds: int = 0
    next_at: datetime | None
    wait_left: timedelta | None = None
    resumes_at: datetime | None = None
    on_call: Mapping[str, str | None] = field(default_factory=dict)
    hand_off_at: datetime | None = None
    started_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    snoozed_at: datetime | None = None
    snoozed_by: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolved_cause: str | None = None
    sequence: int = 0
    last_event_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is not resolved."""
        return self.state is not EscalationState.RESOLVED

    @property
    def has_more(self) -> bool:
        """Whether there are steps that it has not come to."""
        return self.position < len(self.steps)

    @property
    def wait(self) -> Wait:
        """The wait that it is in, if it is in one."""
        last = self.steps[self.position - 1] if self.position else None
        return last if isinstance(last, Wait) else _NO_WAIT


_NO_WAIT = Wait(duration=timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A step that was taken, or what it told, handed over to others. Steps and levels count from 1.

    handed_over_to: whoever is on call now in place of whom the step told
    """

    step: int
    level: int
    action: Action
    recipients: tuple[Recipient, ...] = ()
    handed_over_to: tuple[str, ...] = ()


def advance(escalation: Escalation, now: datetime, seen: Circumstances) -> tuple[Escalation, tuple[Taken, ...]]:
    """Takes every step that is due, up to the next wait.

    Where steps find nobody to tell or to hand work to, the next one is taken at once, but nothing is repeated
    without a wait. Where one of them has told somebody, that one gets the time that the wait gives them.
    """
    taken: list[Taken] = []
    steps, next_at = escalation.steps, escalation.next_at
    position, level, rounds = escalation.position, escalation.level, escalation.rounds
    is_silent = is_heard = False
    while next_at is not None and next_at <= now:
        if position == len(steps):
            next_at = None
            break
        step = steps[position]
        position += 1
        if isinstance(step, Wait):
            if is_heard or not is_silent or isinstance(next(iter(steps[position:]), None), Repeat):
                next_at = step.until(now, step.duration)
            is_silent = is_heard = False
        elif isinstance(step, Repeat):
            goes_back = rounds < step.times and holds(step.only_if, now, seen)
            position, rounds = (step.first, rounds + 1) if goes_back else (position, 0)
        elif holds(step.only_if, now, seen):
            action, recipients = _found(step, seen)
            is_silent = isinstance(action, Notify) and all(found.address is None for found in recipients)
            is_heard = is_heard or (isinstance(action, Notify) and not is_silent)
            level += 1
            taken.append(Taken(step=position, level=level, action=action, recipients=recipients))
    return replace(escalation, position=position, level=level, rounds=rounds, next_at=next_at), tuple(taken)


def _found(step: Action, seen: Circumstances) -> tuple[Action, tuple[Recipient, ...]]:
    """What a step does and whom it tells, as it is found now. A manager who is not there is nobody told."""
    if isinstance(step, Notify):
        return step, seen.reach(step)
    if isinstance(step, Requeue) and step.to_manager:
        step = replace(step, agent_id=seen.manager)
        if not step.asks:
            return Notify(), (Recipient(way=Way.MAIL, name="manager", address=None),)
    return step, ()


def holds(gate: Gate | None, now: datetime, seen: Circumstances) -> bool:
    """Whether a step with this gate is taken."""
    if gate is None:
        return True
    if gate.is_unassigned and not seen.is_unassigned:
        return False
    if gate.within is not None and not gate.within.standing(now)[0]:
        return False
    if gate.outside is not None and gate.outside.standing(now)[0]:
        return False
    return gate.more_than is None or seen.begun(gate.more_than.per) > gate.more_than.count


def may_step(escalation: Escalation, now: datetime) -> bool:
    """Whether a step of it may be taken now: one is due, or is once whatever held it up is over."""
    if not escalation.has_more:
        return False
    due_at = escalation.next_at or escalation.resumes_at
    return escalation.wait_left is not None if due_at is None else due_at <= now


def acknowledge(escalation: Escalation, by: str, now: datetime) -> Escalation:
    """Somebody has taken it on: no further step is taken, unless they leave it for too long.

    Doing it twice changes nothing. Raises IllegalTransition where it is resolved.
    """
    if escalation.state is EscalationState.ACKNOWLEDGED:
        return escalation
    _require_live(escalation)
    timeout = escalation.ack_timeout if escalation.has_more else None
    return replace(
        escalation,
        state=EscalationState.ACKNOWLEDGED,
        acknowledged_at=now,
        acknowledged_by=by,
        next_at=None,
        wait_left=None if timeout is None else timedelta(0),
        resumes_at=None if timeout is None else now + timeout,
    )


def snooze(escalation: Escalation, until: datetime, by: str, now: datetime) -> Escalation:
    """It is put off: then it goes on where it was. What somebody had acknowledged is handed back with that.

    Raises IllegalTransition where it is resolved, or where no step is left.
    """
    _require_live(escalation)
    held = hold(escalation, now)
    if not escalation.has_more and held.wait_left is None:
        raise IllegalTransition("Every step was taken: there is nothing to put off.")
    return replace(
        held,
        state=EscalationState.RAISED,
        wait_left=held.wait_left or timedelta(0),
        resumes_at=until,
        snoozed_at=now,
        snoozed_by=by,
    )


def resume(escalation: Escalation) -> Escalation:
    """What put it off is over: it waits again for what it waited for."""
    return replace(escalation, state=EscalationState.RAISED, resumes_at=None)


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
        resumes_at=None,
    )


def hold(escalation: Escalation, now: datetime) -> Escalation:
    """Its wait stands still while its clock does."""
    if escalation.next_at is None:
        return escalation
    return replace(escalation, next_at=None, wait_left=escalation.wait.left(now, escalation.next_at))


def release(escalation: Escalation, now: datetime) -> Escalation:
    """Its wait goes on with what was left of it, unless it is put off besides."""
    if escalation.wait_left is None or escalation.resumes_at is not None:
        return escalation
    next_at = escalation.wait.until(now, escalation.wait_left)
    return replace(escalation, next_at=next_at, wait_left=None)


def _require_live(escalation: Escalation) -> None:
    if not escalation.is_live:
        raise IllegalTransition("The escalation is resolved.")
