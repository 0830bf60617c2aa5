"""What a configuration has to keep to beyond the form of its fields."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from services.escalation.app.chain_rules import chain_problems
from services.escalation.app.configuration import (
    EscalationPart,
    SlaPolicyPart,
    TargetPart,
)
from services.escalation.app.policies import priorities_of
from services.escalation.app.rotation_rules import rotation_problems, rotation_warnings
from services.escalation.domain.sla_policy import FIELDS
from shared.calendar import ALWAYS, HORIZON, Calendar
from shared.calendar_parts import ExpandHolidays, to_calendar
from shared.conditions import compile_condition
from shared.configuration import Problem, names_of, refuse, repeated, unknown
from shared.reach.order import Kind, review
from shared.reach.tickets import TICKETS
from shared.reach.words import impossible_literals, in_words
from shared.secrets import Secret
from shared.standard_webhooks import hmac_key
from shared.vocabulary import Priority, SlaMetric

SHORTEST_TARGET = timedelta(seconds=15)
LONGEST_TARGET = timedelta(days=366)
_REACH = timedelta(days=3653)
"""A target that takes ten years of its calendar is a mistake."""
_SHORTEST_KEY, _LONGEST_KEY = 24, 64
"""Bytes, as Standard Webhooks has it."""


def check(part: EscalationPart, now: datetime, expand: ExpandHolidays) -> list[str]:
    """Warnings. Raises InvalidInput naming every rule that the part breaks."""
    refuse(_problems(part, now, expand))
    calendars = {item.id: to_calendar(item, expand) for item in part.calendars}
    return [*_warnings(part.sla_policies), *rotation_warnings(part.rotations, calendars, now)]


def _warnings(policies: Sequence[SlaPolicyPart]) -> Iterator[str]:
    """Policies that never decide for a ticket."""
    conditions = [policy.when for policy in policies]
    for index, condition in enumerate(conditions):
        for problem in impossible_literals(condition, TICKETS):
            yield f"/sla_policies/{index}/when: {problem}"
    names = [policy.id for policy in policies]
    for finding in review(conditions, TICKETS):
        if finding.kind is not Kind.ALWAYS or finding.index < len(policies) - 1:
            name = names[finding.index]
            told = in_words(finding, names, "SLA policy")
            yield f"/sla_policies/{finding.index}/when: SLA policy {name} {told}"


def _problems(part: EscalationPart, now: datetime, expand: ExpandHolidays) -> Iterator[Problem]:
    yield from repeated("/calendars", [item.id for item in part.calendars])
    yield from repeated("/sla_policies", [item.id for item in part.sla_policies])
    yield from repeated("/escalation_policies", [item.id for item in part.escalation_policies])
    yield from repeated("/webhooks", [item.id for item in part.webhooks])
    yield from repeated("/contacts", [item.agent for item in part.contacts])
    calendars: dict[str, Calendar] = {}
    for index, item in enumerate(part.calendars):
        try:
            calendars[item.id] = to_calendar(item, expand)
        except ValueError as error:
            yield f"/calendars/{index}", str(error)
            continue
        if not calendars[item.id].opens_after(now):
            yield f"/calendars/{index}", "does not open in the next 400 days"
    escalations = [item.id for item in part.escalation_policies]
    for index, policy in enumerate(part.sla_policies):
        yield from _policy_problems(f"/sla_policies/{index}", policy, part, calendars, escalations, now)
    agents = names_of(item.agent for item in part.contacts)
    yield from rotation_problems(part.rotations, agents, [item.id for item in part.calendars])
    for index, chain in enumerate(part.escalation_policies):
        yield from chain_problems(f"/escalation_policies/{index}", chain, part)
    for index, webhook in enumerate(part.webhooks):
        if not webhook.secret.is_sealed and not _can_sign(webhook.secret):
            yield (
                f"/webhooks/{index}/secret",
                "write whsec_ and a key in base64, such as `openssl rand -base64 32` makes",
            )


def _can_sign(secret: Secret) -> bool:
    key = hmac_key(secret) if secret.startswith("whsec_") else None
    return key is not None and _SHORTEST_KEY <= len(key) <= _LONGEST_KEY


def _policy_problems(
    pointer: str,
    policy: SlaPolicyPart,
    part: EscalationPart,
    calendars: Mapping[str, Calendar],
    escalations: Sequence[str],
    now: datetime,
) -> Iterator[Problem]:
    try:
        compile_condition(policy.when, FIELDS, written=True)
    except ValueError as error:
        yield f"{pointer}/when", str(error)
    if policy.calendar is not None:
        known = [item.id for item in part.calendars]
        yield from unknown(f"{pointer}/calendar", [policy.calendar], known, "calendar")
    calendar = calendars.get(policy.calendar) if policy.calendar else ALWAYS
    promised: set[tuple[SlaMetric, Priority]] = set()
    for index, target in enumerate(policy.targets):
        at = f"{pointer}/targets/{index}"
        yield from _target_problems(at, target, calendar, now)
        if target.escalation is not None:
            yield from unknown(f"{at}/escalation", [target.escalation], escalations, "escalation policy")
        for priority in priorities_of(target):
            if (target.metric, priority) in promised:
                yield at, f"{target.metric} of {priority} tickets has a target already"
            promised.add((target.metric, priority))


def _target_problems(
    pointer: str, target: TargetPart, calendar: Calendar | None, now: datetime
) -> Iterator[Problem]:
    if not SHORTEST_TARGET <= target.within <= LONGEST_TARGET:
        yield f"{pointer}/within", "is at least 15s and at most 366d"
    elif (
        calendar is not None
        and calendar.opens_after(now)
        # Nearly every target fits in the first year: then ten need not be worked out.
        and calendar.elapsed(now, now + HORIZON) < target.within
        and calendar.elapsed(now, now + _REACH) < target.within
    ):
        yield f"{pointer}/within", "is more than the calendar opens in ten years"
    if len(set(target.warn_at_percent)) != len(target.warn_at_percent):
        yield f"{pointer}/warn_at_percent", "a level stands twice"
