"""Routing policies as they are written in a configuration."""

import re
from collections.abc import Iterator
from datetime import timedelta

from pydantic import Field

from services.router.app.agent_parts import Level, Tier
from services.router.domain.facts import FIELDS
from services.router.domain.policy import Policy, Requirements, Rule, Step, TierMode
from services.router.domain.queue import DEFAULT_QUEUE
from shared.conditions import Prepared, compile_condition
from shared.configuration import Problem, repeated, unknown
from shared.durations import Duration
from shared.http.types import Request, Slug
from shared.vocabulary import Priority

_CALENDAR = re.compile(r"""\bcalendar\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(["'])(.*?)\2\s*\])""")
"""A calendar named in a condition: `calendar.office`, `calendar["head-office"]`."""


class StepPart(Request):
    """A loosening, once an item has waited so long."""

    after: Duration = Field(description="Since the item was queued; later steps have later times.")
    drop: tuple[Slug, ...] = ()
    any_team: bool = False
    lower: dict[Slug, Level] = {}
    tier_mode: TierMode | None = None
    support_tier: Tier | None = None
    queue: Slug | None = None
    also: tuple[Slug, ...] = Field(default=(), description="Queues whose agents help out.")


class RulePart(Request):
    """Where tickets go on which a CEL condition holds."""

    id: Slug
    when: str = Field(max_length=2000)
    queue: Slug
    support_tier: Tier = 1
    tier_mode: TierMode = TierMode.EXACT
    skills: dict[Slug, Level] = {}
    preferred: dict[Slug, Level] = {}
    without: tuple[Slug, ...] = ()
    teams: tuple[Slug, ...] = ()
    priority: Priority | None = None
    steps: tuple[StepPart, ...] = Field(default=(), max_length=20)


class DefaultRulePart(Request):
    """Where tickets go on which no condition holds."""

    queue: Slug = DEFAULT_QUEUE
    support_tier: Tier = 1
    tier_mode: TierMode = TierMode.AT_LEAST
    skills: dict[Slug, Level] = {}
    preferred: dict[Slug, Level] = {}
    without: tuple[Slug, ...] = ()
    teams: tuple[Slug, ...] = ()
    steps: tuple[StepPart, ...] = Field(default=(), max_length=20)


class PolicyPart(Request):
    """Ordered rules: the first that holds decides."""

    rules: tuple[RulePart, ...] = Field(default=(), max_length=1000)
    default: DefaultRulePart = DefaultRulePart()


def to_policy(version: int, policy: PolicyPart) -> Policy:
    """What the engine decides by. The conditions have been checked before."""
    rules = [
        *(_rule(rule.id, rule, rule.priority, rule.when) for rule in policy.rules),
        _rule("default", policy.default, None, None),
    ]
    return Policy(version=version, rules=tuple(rules), prepare=Prepared)


def policy_problems(
    place: str,
    policy: PolicyPart,
    *,
    queues: list[str],
    skills: tuple[str, ...],
    teams: tuple[str, ...],
    calendars: list[str],
    written: bool,
) -> Iterator[Problem]:
    """Rules that a policy breaks, beside what exists in the workspace.

    written: somebody writes it now: what its conditions may cost counts too
    """
    yield from repeated(f"{place}/rules", [rule.id for rule in policy.rules])
    for index, rule in enumerate(policy.rules):
        here = f"{place}/rules/{index}"
        yield from _rule_problems(here, rule, skills, teams, queues)
        yield from _condition_problems(f"{here}/when", rule.when, calendars, written=written)
        if rule.id == "default":
            yield f"{here}/id", "`default` is the last rule's own name"
    yield from _rule_problems(f"{place}/default", policy.default, skills, teams, queues)


def _rule(rule_id: str, part: RulePart | DefaultRulePart, priority: Priority | None, when: str | None) -> Rule:
    return Rule(
        rule_id=rule_id,
        condition=compile_condition(when, FIELDS) if when is not None else None,
        requirements=Requirements(
            queue=part.queue,
            support_tier=part.support_tier,
            tier_mode=part.tier_mode,
            skills=tuple(sorted(part.skills.items())),
            preferred=tuple(sorted(part.preferred.items())),
            without=tuple(sorted(set(part.without))),
            teams=tuple(sorted(set(part.teams))),
        ),
        steps=tuple(
            Step(
                after=step.after,
                dropped=frozenset(step.drop),
                lowered=tuple(sorted(step.lower.items())),
                any_team=step.any_team,
                tier_mode=step.tier_mode,
                support_tier=step.support_tier,
                queue=step.queue,
                also=step.also,
            )
            for step in part.steps
        ),
        priority=priority,
    )


def _condition_problems(place: str, when: str, calendars: list[str], *, written: bool) -> Iterator[Problem]:
    strangers = [
        (dotted or quoted, bool(dotted) and f"{dotted}-" in when)
        for dotted, _, quoted in _CALENDAR.findall(when)
        if (dotted or quoted) not in calendars
    ]
    for name, is_cut in strangers:
        hint = '; names with "-" are written calendar["a-b"]' if is_cut else ""
        yield place, f"there is no calendar {name}{hint}"
    if strangers:
        return
    try:
        compile_condition(when, FIELDS, written=written)
    except ValueError as error:
        yield place, str(error)


def _rule_problems(
    place: str,
    rule: RulePart | DefaultRulePart,
    skills: tuple[str, ...],
    teams: tuple[str, ...],
    queues: list[str],
) -> Iterator[Problem]:
    yield from unknown(f"{place}/queue", [rule.queue], queues, "queue")
    yield from _agent_problems(place, rule, skills, teams)
    tier, mode, last = rule.support_tier, rule.tier_mode, timedelta()
    for index, step in enumerate(rule.steps):
        here = f"{place}/steps/{index}"
        if step.after <= last:
            yield f"{here}/after", "later than the step before"
        last = step.after
        yield from unknown(f"{here}/queue", [step.queue] if step.queue else [], queues, "queue")
        yield from unknown(f"{here}/also", step.also, queues, "queue")
        levels = {*rule.skills, *rule.preferred}
        yield from unknown(f"{here}/drop", step.drop, sorted(levels.union(rule.without)), "skill of this rule")
        yield from unknown(f"{here}/lower", list(step.lower), sorted(levels), "skill of this rule")
        yield from _narrowing(here, rule, step, tier, mode)
        tier, mode = step.support_tier or tier, step.tier_mode or mode


def _agent_problems(
    place: str, rule: RulePart | DefaultRulePart, skills: tuple[str, ...], teams: tuple[str, ...]
) -> Iterator[Problem]:
    yield from unknown(f"{place}/skills", list(rule.skills), skills, "skill")
    yield from unknown(f"{place}/preferred", list(rule.preferred), skills, "skill")
    yield from unknown(f"{place}/without", rule.without, skills, "skill")
    yield from unknown(f"{place}/teams", rule.teams, teams, "team")
    for skill, level in rule.preferred.items():
        if level <= rule.skills.get(skill, 0):
            yield f"{place}/preferred/{skill}", "required already: prefer a higher level, or leave it out"
    for index, skill in enumerate(rule.without):
        if skill in rule.skills or skill in rule.preferred:
            yield f"{place}/without/{index}", "asked for as well: nobody has a skill and has it not"


def _narrowing(
    here: str, rule: RulePart | DefaultRulePart, step: StepPart, tier: int, mode: TierMode
) -> Iterator[Problem]:
    """A step only widens who may be asked, unless it moves the item to another queue and says so."""
    if step.queue is not None:
        return
    for skill, level in step.lower.items():
        if level > max(rule.skills.get(skill, 0), rule.preferred.get(skill, 0)) > 0:
            yield f"{here}/lower/{skill}", "higher than before: a step only loosens"
    new_tier, new_mode = step.support_tier or tier, step.tier_mode or mode
    if (new_tier, new_mode) == (tier, mode):
        return
    if new_mode is not TierMode.AT_LEAST or new_tier > tier:
        yield f"{here}/support_tier", "a step only loosens: `at_least` with the same tier or a lower one"
