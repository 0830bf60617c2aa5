"""What is wrong with a routing policy as it is written."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.router.app.policy_parts import DefaultRulePart, PolicyPart, RulePart, StepPart
from services.router.domain.facts import FIELDS
from services.router.domain.policy import TierMode
from shared.conditions import compile_condition
from shared.configuration import Problem, repeated, unknown

_CALENDAR = re.compile(r"""\bcalendar\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(["'])(.*?)\2\s*\])""")
"""A calendar named in a condition: `calendar.office`, `calendar["head-office"]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a policy may refer to."""

    queues: Sequence[str]
    skills: Sequence[str]
    teams: Sequence[str]
    calendars: Sequence[str]
    agents: Sequence[str]


def policy_problems(place: str, policy: PolicyPart, names: Names, *, written: bool) -> Iterator[Problem]:
    """Rules that a policy breaks, beside what exists in the workspace.

    written: somebody writes it now: what its conditions may cost counts too
    """
    yield from repeated(f"{place}/rules", [rule.id for rule in policy.rules])
    for index, rule in enumerate(policy.rules):
        here = f"{place}/rules/{index}"
        yield from _rule_problems(here, rule, names)
        yield from _condition_problems(f"{here}/when", rule.when, names, written=written)
        if rule.id == "default":
            yield f"{here}/id", "`default` is the last rule's own name"
    yield from _rule_problems(f"{place}/default", policy.default, names)


def _condition_problems(place: str, when: str, names: Names, *, written: bool) -> Iterator[Problem]:
    strangers = [
        (dotted or quoted, bool(dotted) and f"{dotted}-" in when)
        for dotted, _, quoted in _CALENDAR.findall(when)
        if (dotted or quoted) not in names.calendars
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


def _rule_problems(place: str, rule: RulePart | DefaultRulePart, names: Names) -> Iterator[Problem]:
    yield from unknown(f"{place}/queue", [rule.queue], names.queues, "queue")
    yield from _agent_problems(place, rule, names)
    tier, mode, last = rule.support_tier, rule.tier_mode, timedelta()
    for index, step in enumerate(rule.steps):
        here = f"{place}/steps/{index}"
        if step.after <= last:
            yield f"{here}/after", "later than the step before"
        last = step.after
        yield from unknown(f"{here}/queue", [step.queue] if step.queue else [], names.queues, "queue")
        yield from unknown(f"{here}/also", step.also, names.queues, "queue")
        levels = {*rule.skills, *rule.preferred}
        yield from unknown(f"{here}/drop", step.drop, sorted(levels.union(rule.without)), "skill of this rule")
        yield from unknown(f"{here}/lower", list(step.lower), sorted(levels), "skill of this rule")
        yield from _narrowing(here, rule, step, tier, mode)
        tier, mode = step.support_tier or tier, step.tier_mode or mode
    if (rule.steps[-1] if rule.steps else rule).skip_if is not None:
        last_place = f"{place}/steps/{len(rule.steps) - 1}" if rule.steps else place
        yield f"{last_place}/skip_if", "no step comes after it: add one, or leave this out"


def _agent_problems(place: str, rule: RulePart | DefaultRulePart, names: Names) -> Iterator[Problem]:
    yield from unknown(f"{place}/skills", list(rule.skills), names.skills, "skill")
    yield from unknown(f"{place}/preferred", list(rule.preferred), names.skills, "skill")
    yield from unknown(f"{place}/without", rule.without, names.skills, "skill")
    yield from unknown(f"{place}/teams", rule.teams, names.teams, "team")
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
