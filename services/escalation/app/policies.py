"""From a configuration to what decides by it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

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

P = TypeVar("P")
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A version of the service levels with what it was made of."""

    part: EscalationPart
    fed: Fed
    policies: Policies


def to_policies(
    version: int,
    since: datetime,
    part: EscalationPart,
    expand: ExpandHolidays,
    fed: Fed = MappingProxyType({}),
    before: Compiled | None = None,
) -> Policies:
    """What decides, of a part that was checked. fed: what feeds close

    before: another version, from which this one has whatever is the same in both: calendars above all, which are
        dear to make, to keep and to compare
    """
    was = before or Compiled(EscalationPart(), {}, Policies())
    made = was.policies
    calendars = _calendars(part, expand, fed, was)
    # Whatever refers to calendars is the same only where all of them are.
    like = was.part if calendars is made.calendars else EscalationPart()
    has_same_people = (part.contacts, part.queue_managers) == (was.part.contacts, was.part.queue_managers)
    chains = _each(
        part.escalation_policies,
        [(item, made.escalations[item.id]) for item in like.escalation_policies],
        lambda item: EscalationPolicy(
            policy_id=item.id,
            steps=tuple(_step(step, calendars) for step in item.steps),
            ack_timeout=item.ack_timeout,
        ),
    )
    contacts = _each(
        part.contacts,
        [(item, made.contacts[item.agent]) for item in like.contacts],
        lambda item: _contact(item, calendars),
    )
    return Policies(
        version=version,
        since=since,
        sla=_each(part.sla_policies, zip(was.part.sla_policies, made.sla, strict=True), _sla_policy),
        calendars=calendars,
        triggers=tuple(map(to_trigger, part.escalation_triggers)),
        escalations={chain.policy_id: chain for chain in chains},
        contacts={contact.agent_id: contact for contact in contacts},
        people=made.people if has_same_people else to_people(part),
        rotations={item.id: to_rotation(item, calendars) for item in part.rotations},
        chats={item.id: Chat(chat_id=item.id, url=item.url) for item in part.chats},
        webhooks={
            item.id: Webhook(webhook_id=item.id, url=item.url, secret=item.secret) for item in part.webhooks
        },
        quiet_outside=calendars[part.quiet_outside] if part.quiet_outside else None,
    )


def _calendars(part: EscalationPart, expand: ExpandHolidays, fed: Fed, was: Compiled) -> Mapping[str, Calendar]:
    held = was.policies.calendars
    same = [(item, held[item.id]) for item in was.part.calendars if fed.get(item.id) == was.fed.get(item.id)]
    found = _each(part.calendars, same, lambda item: to_calendar(item, expand, further_closures(fed, item.id)))
    calendars = {item.id: calendar for item, calendar in zip(part.calendars, found, strict=True)}
    is_unchanged = calendars.keys() == held.keys() and all(calendars[name] is held[name] for name in held)
    return held if is_unchanged else calendars


def _each(parts: Sequence[P], known: Iterable[tuple[P, M]], make: Callable[[P], M]) -> list[M]:
    """What is made of each part; of one that is known, what was made of it before."""
    made = dict(known)
    return [made[part] if part in made else make(part) for part in parts]


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
