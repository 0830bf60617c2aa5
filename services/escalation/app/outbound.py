"""Turns what clocks and escalations do into the contracts of topic `escalations`."""

from datetime import datetime, timedelta
from typing import TypedDict, assert_never
from uuid import UUID

from services.escalation.domain.clock_record import LATE, ClockRecord
from services.escalation.domain.escalation import Escalation, Taken
from services.escalation.domain.escalation_policy import Notify, RaisePriority, Requeue
from services.escalation.domain.sla_clock import Entry, SlaClock, Turn
from services.escalation.domain.ticket import Ticket
from shared.events import escalations as wire
from shared.events.contract import Contract
from shared.vocabulary import Agreement, SlaMetric


class About(TypedDict):
    """What every contract about a clock begins with."""

    clock_id: UUID
    ticket_id: UUID
    agreement: Agreement
    metric: SlaMetric
    generation: int


def turned(about: About, entry: Entry, clock: SlaClock) -> Contract | None:
    """What is told of a line of a clock's history; a breach is told by `breached`.

    A target that changes while the clock stands still is told when it runs again.
    """
    elapsed_s, target_s = entry.elapsed.total_seconds(), entry.target.total_seconds()
    match entry.turn:
        case Turn.STARTED:
            assert entry.due_at is not None
            return wire.SlaClockStartedV1(
                **about,
                policy=entry.policy,
                policy_version=entry.policy_version,
                target_s=target_s,
                started_at=clock.started_at,
                due_at=entry.due_at,
            )
        case Turn.PAUSED:
            return wire.SlaClockPausedV1(**about, elapsed_s=elapsed_s)
        case Turn.RESUMED | Turn.RETARGETED | Turn.RESTARTED:
            if entry.due_at is None:
                return None
            return wire.SlaClockResumedV1(
                **about,
                elapsed_s=elapsed_s,
                due_at=entry.due_at,
                policy=entry.policy,
                policy_version=entry.policy_version,
                target_s=target_s,
            )
        case Turn.MET:
            return wire.SlaMetV1(
                **about,
                policy=entry.policy,
                target_s=target_s,
                elapsed_s=elapsed_s,
                elapsed_wall_s=entry.elapsed_wall.total_seconds(),
            )
        case Turn.LATE | Turn.CANCELLED:
            return wire.SlaClockStoppedV1(
                **about,
                outcome="late" if entry.turn is Turn.LATE else "cancelled",
                cause=entry.cause,
                elapsed_s=elapsed_s,
                elapsed_wall_s=entry.elapsed_wall.total_seconds(),
                overdue_s=max(0.0, elapsed_s - target_s),
            )
        case Turn.BREACHED:
            raise AssertionError("told by `breached`")
        case _:
            assert_never(entry.turn)


def breached(about: About, entry: Entry, ticket: Ticket, fired_at: datetime, *, is_provisional: bool) -> Contract:
    """A broken promise, with who has the ticket."""
    return wire.SlaBreachedV1(
        **about,
        policy=entry.policy,
        policy_version=entry.policy_version,
        target_s=entry.target.total_seconds(),
        elapsed_s=entry.elapsed.total_seconds(),
        due_at=entry.at,
        fired_at=fired_at,
        is_provisional=is_provisional,
        queue=ticket.queue,
        agent_id=ticket.agent_id,
        cause=entry.cause,
        is_late=fired_at - entry.at > LATE,
    )


def warned(about: About, clock: SlaClock, level: int, overdue: timedelta) -> Contract:
    """A share of the target is used up, for so long."""
    assert clock.promise is not None
    assert clock.due_at is not None
    return wire.SlaWarnedV1(
        **about,
        policy=clock.promise.policy,
        level_percent=level,
        target_s=clock.promise.target.total_seconds(),
        due_at=clock.due_at,
        is_late=overdue > LATE,
    )


def withdrawn(about: About, breach_event_id: UUID) -> Contract:
    """A breach that never was."""
    return wire.SlaBreachWithdrawnV1(**about, breach_event_id=breach_event_id)


def snapshot(about: About, record: ClockRecord) -> Contract:
    """The clock as it stood when it was last told of."""
    clock, told = record.clock, record.told
    assert clock.promise is not None
    assert told.last_event_at is not None
    return wire.SlaClockSnapshotV1(
        **about,
        policy=clock.promise.policy,
        state=clock.state,
        target_s=clock.promise.target.total_seconds(),
        elapsed_s=clock.elapsed_at(told.last_event_at)[0].total_seconds(),
        due_at=clock.due_at,
    )


class AboutEscalation(TypedDict):
    """What every contract about an escalation begins with."""

    escalation_id: UUID
    ticket_id: UUID | None
    queue: str | None
    kpi: str | None


def raised(escalation: Escalation, taken: Taken, overdue: timedelta) -> Contract:
    """A step that was taken, so long after it was due.

    The reason that a person gives may name people: it stays in our database.
    """
    return wire.EscalationRaisedV2(
        **_about(escalation),
        policy=escalation.policy,
        policy_version=escalation.policy_version,
        level=taken.level,
        step=taken.step,
        trigger=escalation.trigger,
        trigger_id=escalation.trigger_id,
        metric=escalation.metric,
        action=_action(taken),
        is_late=overdue > LATE,
    )


def acknowledged(escalation: Escalation) -> Contract:
    """Somebody has taken it on."""
    assert escalation.acknowledged_by is not None
    return wire.EscalationAcknowledgedV2(
        **_about(escalation), actor_id=escalation.acknowledged_by, resumes_at=escalation.resumes_at
    )


def snoozed(escalation: Escalation) -> Contract:
    """Somebody has put it off."""
    assert escalation.snoozed_by is not None
    assert escalation.resumes_at is not None
    return wire.EscalationSnoozedV1(
        **_about(escalation), actor_id=escalation.snoozed_by, resumes_at=escalation.resumes_at
    )


def resolved(escalation: Escalation) -> Contract:
    """It is over."""
    assert escalation.resolved_cause is not None
    return wire.EscalationResolvedV2(
        **_about(escalation), cause=escalation.resolved_cause, actor_id=escalation.resolved_by
    )


def _about(escalation: Escalation) -> AboutEscalation:
    return AboutEscalation(
        escalation_id=escalation.escalation_id,
        ticket_id=escalation.ticket_id,
        queue=escalation.queue,
        kpi=escalation.kpi,
    )


def _action(taken: Taken) -> wire.RaisePriority | wire.Requeue | wire.Notify:
    match taken.action:
        case RaisePriority(by=by):
            return wire.RaisePriority(by=by)
        case Requeue() as moves:
            return wire.Requeue(
                queue=moves.queue, support_tier=moves.support_tier, agent_id=moves.agent_id, widen=moves.widen
            )
        case Notify():
            return wire.Notify(recipients=sum(found.address is not None for found in taken.recipients))
        case _:
            assert_never(taken.action)
