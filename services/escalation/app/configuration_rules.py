"""What a configuration has to keep to beyond the form of its fields."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.escalation.app.chain_rules import chain_problems
from services.escalation.app.configuration import (
    AROUND_THE_CLOCK,
    EscalationPart,
    SlaPolicyPart,
    TargetPart,
)
from services.escalation.app.feeds import readings
from services.escalation.app.policies import priorities_of
from services.escalation.app.rotation_rules import rotation_problems, rotation_warnings
from services.escalation.app.telling_rules import telling_problems
from services.escalation.app.triggers import trigger_problems, trigger_warnings
from services.escalation.domain.sla_policy import FIELDS
from shared.calendar import ALWAYS, HORIZON, Calendar
from shared.calendar_parts import ExpandHolidays, check_ical, to_calendar, years_around
from shared.conditions import compile_condition
from shared.configuration import Problem, names_of, refuse, repeated, unknown
from shared.reach.order import Kind, review
from shared.reach.tickets import TICKETS
from shared.reach.vocabulary import Number, Text
from shared.reach.words import impossible_literals, in_words
from shared.repeated_hours import edges_in_repeated_hours
from shared.secrets import Secret
from shared.standard_webhooks import hmac_key
from shared.vocabulary import Agreement, Priority, SlaMetric

MOST_FEEDS = 50
"""The same address counts again for another time zone, and with other summaries left out: it is read again."""
SHORTEST_TARGET = timedelta(seconds=15)
LONGEST_TARGET = timedelta(days=366)
PROMISED = replace(
    TICKETS,
    fields={
        **TICKETS.fields,
        ("ticket", "queue"): Text(),
        ("ticket", "support_tier"): Number(least=0, most=9),
    },
)
"""What a policy's condition reads can be. Until a ticket's work is in a queue, that is empty and the tier 0."""
_REACH = timedelta(days=3653)
"""A target that takes ten years of its calendar is a mistake."""
_SHORTEST_KEY, _LONGEST_KEY = 24, 64
"""Bytes, as Standard Webhooks has it."""


def check(part: EscalationPart, now: datetime, expand: ExpandHolidays) -> list[str]:
    """Warnings. Raises InvalidInput naming every rule that the part breaks."""
    calendars: dict[str, Calendar] = {}
    refuse([*_calendar_problems(part, now, expand, calendars), *_problems(part, now, calendars)])
    return [
        *_split_days(calendars, now),
        *_warnings(part.sla_policies),
        *rotation_warnings(part.rotations, calendars, now),
        *trigger_warnings(part.escalation_triggers, part.escalation_policies),
    ]


def _split_days(calendars: Mapping[str, Calendar], now: datetime) -> Iterator[str]:
    """Calendars that open or close in an hour that their clock shows twice."""
    for index, calendar in enumerate(calendars.values()):
        for edge in edges_in_repeated_hours(calendar, now, now + HORIZON):
            yield (
                f"/calendars/{index}: on {edge:%Y-%m-%d} the clock shows {edge:%H:%M} twice, when the calendar"
                " opens or closes: that day it does so twice"
            )


def _warnings(policies: Sequence[SlaPolicyPart]) -> Iterator[str]:
    """Policies that never decide for a ticket."""
    for agreement in Agreement:
        yield from _unreached([(at, item) for at, item in enumerate(policies) if item.agreement is agreement])


def _unreached(policies: Sequence[tuple[int, SlaPolicyPart]]) -> Iterator[str]:
    """Of the policies of one agreement, each with its position."""
    conditions = [policy.when for _, policy in policies]
    for at, policy in policies:
        for problem in impossible_literals(policy.when, PROMISED):
            yield f"/sla_policies/{at}/when: {problem}"
    names = [policy.id for _, policy in policies]
    for finding in review(conditions, PROMISED):
        if finding.kind is not Kind.ALWAYS or finding.index < len(policies) - 1:
            at, policy = policies[finding.index]
            told = in_words(finding, names, "SLA policy")
            yield f"/sla_policies/{at}/when: SLA policy {policy.id} {told}"


def _calendar_problems(
    part: EscalationPart, now: datetime, expand: ExpandHolidays, calendars: dict[str, Calendar]
) -> Iterator[Problem]:
    """calendars: those that can be made are put there"""
    yield from repeated("/calendars", [item.id for item in part.calendars])
    for index, item in enumerate(part.calendars):
        if item.id == AROUND_THE_CLOCK:
            yield f"/calendars/{index}/id", f"{AROUND_THE_CLOCK} is what targets name that run around the clock"
        try:
            calendars[item.id] = to_calendar(item, expand)
            check_ical(item, years_around(now.year))
        except ValueError as error:
            yield f"/calendars/{index}", str(error)
            continue
        if not calendars[item.id].opens_after(now):
            yield f"/calendars/{index}", "does not open in the next 400 days"
    if (count := len(readings(part.calendars))) > MOST_FEEDS:
        yield "/calendars", f"has {count} different feeds; at most {MOST_FEEDS} in a workspace"


def _problems(part: EscalationPart, now: datetime, calendars: Mapping[str, Calendar]) -> Iterator[Problem]:
    yield from repeated("/sla_policies", [item.id for item in part.sla_policies])
    yield from repeated("/escalation_policies", [item.id for item in part.escalation_policies])
    yield from repeated("/webhooks", [item.id for item in part.webhooks])
    yield from repeated("/chats", [item.id for item in part.chats])
    yield from repeated("/contacts", [item.agent for item in part.contacts])
    yield from telling_problems(part)
    escalations = [item.id for item in part.escalation_policies]
    for index, policy in enumerate(part.sla_policies):
        yield from _policy_problems(f"/sla_policies/{index}", policy, part, calendars, escalations, now)
    agents = names_of(item.agent for item in part.contacts)
    yield from _manager_problems(part, agents)
    yield from rotation_problems(part.rotations, agents, [item.id for item in part.calendars])
    yield from trigger_problems(part.escalation_triggers, escalations)
    for index, chain in enumerate(part.escalation_policies):
        yield from chain_problems(f"/escalation_policies/{index}", chain, part)
    for index, webhook in enumerate(part.webhooks):
        if not webhook.secret.is_sealed and not _can_sign(webhook.secret):
            yield (
                f"/webhooks/{index}/secret",
                "write whsec_ and a key in base64, such as `openssl rand -base64 32` makes",
            )


def _manager_problems(part: EscalationPart, agents: Collection[str]) -> Iterator[Problem]:
    yield from repeated("/queue_managers", [item.queue for item in part.queue_managers], "queue")
    named = [(f"/contacts/{index}/manager", item.manager) for index, item in enumerate(part.contacts)]
    named += [(f"/queue_managers/{index}/manager", item.manager) for index, item in enumerate(part.queue_managers)]
    for at, manager in named:
        if manager is not None:
            yield from unknown(at, [manager], agents, "agent with an address")


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
    known = [item.id for item in part.calendars]
    yield from unknown(f"{pointer}/calendar", [policy.calendar] if policy.calendar else [], known, "calendar")
    for index, rule in enumerate(policy.calendar_rules):
        at = f"{pointer}/calendar_rules/{index}"
        yield from unknown(f"{at}/calendar", [rule.calendar], known, "calendar")
        if rule.organisation is None and rule.queue is None and rule.channel is None:
            yield at, "names no organisation, queue or channel: write it as the policy's calendar"
    promised: set[tuple[SlaMetric, Priority, str | None]] = set()
    for index, target in enumerate(policy.targets):
        at = f"{pointer}/targets/{index}"
        if target.calendar not in (None, AROUND_THE_CLOCK):
            yield from unknown(f"{at}/calendar", [str(target.calendar)], known, "calendar")
        used = {target.calendar} if target.calendar else {policy.calendar, *_by_rule(policy)}
        for name in sorted(name or AROUND_THE_CLOCK for name in used):
            calendar = ALWAYS if name == AROUND_THE_CLOCK else calendars.get(name)
            if problem := _target_problem(target, calendar, now):
                yield f"{at}/within", problem
                break
        if target.escalation is not None:
            yield from unknown(f"{at}/escalation", [target.escalation], escalations, "escalation policy")
        if len(set(target.warn_at_percent)) != len(target.warn_at_percent):
            yield f"{at}/warn_at_percent", "a level stands twice"
        for priority in priorities_of(target):
            for tier in (None,) if target.customer_tier == "all" else target.customer_tier:
                if (target.metric, priority, tier) in promised:
                    whose = f" of customers of tier {tier}" if tier else ""
                    yield at, f"{target.metric} of {priority} tickets{whose} has a target already"
                promised.add((target.metric, priority, tier))


def _by_rule(policy: SlaPolicyPart) -> set[str]:
    return {rule.calendar for rule in policy.calendar_rules}


def _target_problem(target: TargetPart, calendar: Calendar | None, now: datetime) -> str | None:
    """What is wrong with the time that is promised, if anything. calendar: none where it is not known"""
    if not SHORTEST_TARGET <= target.within <= LONGEST_TARGET:
        return "is at least 15s and at most 366d"
    if (
        calendar is not None
        and calendar.opens_after(now)
        # Nearly every target fits in the first year: then ten need not be worked out.
        and calendar.elapsed(now, now + HORIZON) < target.within
        and calendar.elapsed(now, now + _REACH) < target.within
    ):
        return "is more than the calendar opens in ten years"
    return None
