"""From a configuration to what decides by it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.escalation.app.configuration import (
    CalendarPart,
    DatePart,
    EscalationPart,
    NotifyStep,
    RaiseStep,
    RequeueStep,
    SlaPolicyPart,
    StepPart,
    TargetPart,
    WaitStep,
)
from services.escalation.domain.escalation_policy import (
    Contact,
    EscalationPolicy,
    Notify,
    RaisePriority,
    Requeue,
    Step,
    Wait,
    Webhook,
)
from services.escalation.domain.sla_policy import FIELDS, Policies, Promise, SlaPolicy
from shared.calendar import ALWAYS, Calendar, Holidays, Hours, parse_hours
from shared.conditions import compile_condition
from shared.vocabulary import Priority

ExpandHolidays = Callable[[str, str | None], Holidays]
"""From country and subdivision to the dates of each year. Raises ValueError for places that it does not know."""

_ZONE = re.compile(r"[A-Za-z0-9_+\-/]+\Z")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def to_policies(version: int, since: datetime, part: EscalationPart, expand: ExpandHolidays) -> Policies:
    """What decides, of a part that was checked."""
    calendars = {item.id: to_calendar(item, expand) for item in part.calendars}
    return Policies(
        version=version,
        since=since,
        sla=[_sla_policy(item, version, calendars) for item in part.sla_policies],
        calendars=calendars,
        escalations={
            item.id: EscalationPolicy(policy_id=item.id, steps=tuple(map(_step, item.steps)))
            for item in part.escalation_policies
        },
        contacts={
            item.agent: Contact(agent_id=item.agent, name=item.name, email=item.email) for item in part.contacts
        },
        webhooks={
            item.id: Webhook(webhook_id=item.id, url=item.url, secret=item.secret) for item in part.webhooks
        },
    )


def to_calendar(part: CalendarPart, expand: ExpandHolidays) -> Calendar:
    """Raises ValueError saying what is wrong."""
    _check_zone(part.time_zone)
    calendar = Calendar(
        time_zone=part.time_zone,
        weekly={day: tuple(map(parse_hours, getattr(part.weekly, name))) for day, name in enumerate(_DAYS)},
        closed=frozenset(part.closed),
        closures=_by_date(part.closures),
        openings=_by_date(part.openings),
    )
    if part.holidays is None:
        return calendar
    country, subdivision = part.holidays.country, part.holidays.subdivision
    return replace(
        calendar,
        holiday_set=f"{country}-{subdivision}" if subdivision else country,
        holidays=expand(country, subdivision),
    )


def _check_zone(name: str) -> None:
    try:
        if not _ZONE.match(name):
            raise ValueError(name)
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise ValueError("time_zone is not an IANA name such as Europe/Berlin") from None


def _by_date(parts: Sequence[DatePart]) -> dict[date, tuple[Hours, ...]]:
    hours: dict[date, tuple[Hours, ...]] = {}
    for part in parts:
        hours[part.date] = (*hours.get(part.date, ()), *map(parse_hours, part.hours))
    return hours


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


def _step(part: StepPart) -> Step:
    match part:
        case WaitStep():
            return Wait(duration=part.wait)
        case RequeueStep():
            return Requeue(queue=part.requeue.queue, support_tier=part.requeue.tier)
        case RaiseStep():
            return RaisePriority(by=part.raise_priority.by)
        case NotifyStep():
            target = part.notify
            return Notify(agents=target.agents, emails=target.emails, webhooks=target.webhooks)
