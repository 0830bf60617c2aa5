"""From a configuration to what decides by it."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from services.escalation.app.configuration import (
    AROUND_THE_CLOCK,
    ContactPart,
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
from services.escalation.app.everybody import to_people
from services.escalation.app.feeds import Fed, further_closures
from services.escalation.app.rotations import to_rotation
from services.escalation.app.triggers import to_trigger
from services.escalation.domain.escalation_policy import (
    Chat,
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
from services.escalation.domain.promise import OnChange
from services.escalation.domain.sla_policy import FIELDS, CalendarRule, Policies, SlaPolicy, Target
from shared.calendar import ALWAYS, Calendar
from shared.calendar_parts import ExpandHolidays, to_calendar
from shared.conditions import compile_condition
from shared.vocabulary import Priority


def to_policies(
    version: int, since: datetime, part: EscalationPart, expand: ExpandHolidays, fed: Fed = MappingProxyType({})
) -> Policies:
    """What decides, of a part that was checked. fed: what feeds close"""
    calendars = {item.id: to_calendar(item, expand, further_closures(fed, item.id)) for item in part.calendars}
    return Policies(
        version=version,
        since=since,
        sla=[_sla_policy(item) for item in part.sla_policies],
        calendars=calendars,
        triggers=tuple(map(to_trigger, part.escalation_triggers)),
        escalations={
            item.id: EscalationPolicy(
                policy_id=item.id,
                steps=tuple(_step(step, calendars) for step in item.steps),
                ack_timeout=item.ack_timeout,
            )
            for item in part.escalation_policies
        },
        contacts={item.agent: _contact(item, calendars) for item in part.contacts},
        people=to_people(part),
        rotations={item.id: to_rotation(item, calendars) for item in part.rotations},
        chats={item.id: Chat(chat_id=item.id, url=item.url) for item in part.chats},
        webhooks={
            item.id: Webhook(webhook_id=item.id, url=item.url, secret=item.secret) for item in part.webhooks
        },
        quiet_outside=calendars[part.quiet_outside] if part.quiet_outside else None,
    )


def _contact(part: ContactPart, calendars: Mapping[str, Calendar]) -> Contact:
    return Contact(
        agent_id=part.agent,
        name=part.name,
        email=part.email,
        chat=part.chat,
        notify_by=part.notify_by,
        quiet_outside=calendars[part.quiet_outside] if part.quiet_outside else None,
    )


def _sla_policy(part: SlaPolicyPart) -> SlaPolicy:
    return SlaPolicy(
        policy_id=part.id,
        agreement=part.agreement,
        condition=compile_condition(part.when, FIELDS),
        calendar_id=part.calendar,
        calendar_rules=tuple(
            CalendarRule(
                calendar_id=rule.calendar,
                organisation=rule.organisation,
                queue=rule.queue,
                channel=rule.channel,
            )
            for rule in part.calendar_rules
        ),
        targets=tuple(_target(item, part.on_change) for item in part.targets),
    )


def _target(part: TargetPart, on_change: OnChange) -> Target:
    return Target(
        metric=part.metric,
        priorities=frozenset(priorities_of(part)),
        customer_tiers=None if part.customer_tier == "all" else frozenset(part.customer_tier),
        within=part.within,
        has_calendar=part.calendar is not None,
        calendar_id=None if part.calendar == AROUND_THE_CLOCK else part.calendar,
        warn_at=tuple(sorted(part.warn_at_percent)),
        escalation=part.escalation,
        on_change=part.on_change or on_change,
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
                to_manager=target.manager,
                only_if=gate,
            )
        case RaiseStep():
            return RaisePriority(by=part.raise_priority.by, only_if=gate)
        case NotifyStep():
            told = part.notify
            return Notify(
                agents=told.agents,
                on_call=told.on_call,
                manager=told.manager,
                teams_in_turn=told.teams_in_turn,
                queue=told.queue,
                emails=told.emails,
                chats=told.chats,
                webhooks=told.webhooks,
                urgency=told.urgency,
                only_if=gate,
            )
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
