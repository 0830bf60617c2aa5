"""From a configuration to what decides by it."""

from collections.abc import Mapping
from datetime import datetime

from services.escalation.app.configuration import (
    EscalationPart,
    GatePart,
    NotifyStep,
    RaiseStep,
    RepeatStep,
    RequeueStep,
    SlaPolicyPart,
    StepPart,
    TargetPart,
    WaitStep,
)
from services.escalation.app.rotations import to_rotation
from services.escalation.domain.escalation_policy import (
    Contact,
    EscalationPolicy,
    Gate,
    Notify,
    Often,
    RaisePriority,
    Repeat,
    Requeue,
    Step,
    Wait,
    Webhook,
)
from services.escalation.domain.sla_policy import FIELDS, Policies, Promise, SlaPolicy
from shared.calendar import ALWAYS, Calendar
from shared.calendar_parts import ExpandHolidays, to_calendar
from shared.conditions import compile_condition
from shared.vocabulary import Priority


def to_policies(version: int, since: datetime, part: EscalationPart, expand: ExpandHolidays) -> Policies:
    """What decides, of a part that was checked."""
    calendars = {item.id: to_calendar(item, expand) for item in part.calendars}
    return Policies(
        version=version,
        since=since,
        sla=[_sla_policy(item, version, calendars) for item in part.sla_policies],
        calendars=calendars,
        escalations={
            item.id: EscalationPolicy(
                policy_id=item.id,
                steps=tuple(_step(step, calendars) for step in item.steps),
                ack_timeout=item.ack_timeout,
            )
            for item in part.escalation_policies
        },
        contacts={
            item.agent: Contact(agent_id=item.agent, name=item.name, email=item.email) for item in part.contacts
        },
        rotations={item.id: to_rotation(item, calendars) for item in part.rotations},
        webhooks={
            item.id: Webhook(webhook_id=item.id, url=item.url, secret=item.secret) for item in part.webhooks
        },
    )


def _sla_policy(part: SlaPolicyPart, version: int, calendars: Mapping[str, Calendar]) -> SlaPolicy:
    return SlaPolicy(
        policy_id=part.id,
        condition=compile_condition(part.when, FIELDS),
        promises={
            (target.metric, priority): Promise(
                policy=part.id,
                version=version,
                priority=priority,
                target=target.within,
                calendar_id=part.calendar,
                calendar=calendars[part.calendar] if part.calendar else ALWAYS,
                warn_at=tuple(sorted(target.warn_at_percent)),
                escalation=target.escalation,
            )
            for target in part.targets
            for priority in priorities_of(target)
        },
    )


def priorities_of(target: TargetPart) -> tuple[Priority, ...]:
    """The priorities that a target is for."""
    return tuple(Priority) if target.priority == "all" else target.priority


def _step(part: StepPart, calendars: Mapping[str, Calendar]) -> Step:
    if isinstance(part, WaitStep):
        return Wait(duration=part.wait, calendar=calendars[part.calendar] if part.calendar else ALWAYS)
    gate = _gate(part.only_if, calendars) if part.only_if else None
    match part:
        case RequeueStep():
            target = part.requeue
            return Requeue(
                queue=target.queue,
                support_tier=target.tier,
                agent_id=target.agent,
                widen=target.widen,
                only_if=gate,
            )
        case RaiseStep():
            return RaisePriority(by=part.raise_priority.by, only_if=gate)
        case NotifyStep():
            told = part.notify
            return Notify(agents=told.agents, emails=told.emails, webhooks=told.webhooks, only_if=gate)
        case RepeatStep(repeat=repeat):
            return Repeat(times=repeat.times, first=repeat.from_step - 1, only_if=gate)


def _gate(part: GatePart, calendars: Mapping[str, Calendar]) -> Gate:
    often = part.more_than
    return Gate(
        is_unassigned=part.unassigned,
        within=calendars[part.within] if part.within else None,
        outside=calendars[part.outside] if part.outside else None,
        more_than=Often(count=often.count, per=often.per) if often else None,
    )
