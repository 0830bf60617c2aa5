"""What is wrong with a routing policy as it is written."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta

from services.router.app.policy_parts import DefaultRulePart, PolicyPart, PreferredAgentPart, RulePart, divided
from services.router.domain.facts import FIELDS
from services.router.domain.policy import TierMode
from shared.condition_steps import names_read
from shared.conditions import compile_condition, steps_of
from shared.configuration import Problem, repeated, unknown

_LONGEST_WAIT = timedelta(days=1)
_LAST_STEP = timedelta(days=366)

_MOST_STEPS = 2_000_000
"""What all conditions may take together, half a second at worst: while one ticket is matched, others wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a policy may refer to. outsourced: the queues that stand for partners"""

    queues: Collection[str]
    outsourced: frozenset[str]
    skills: Collection[str]
    teams: Collection[str]
    calendars: Collection[str]
    agents: Collection[str]


def policy_problems(place: str, policy: PolicyPart, names: Names, *, written: bool) -> Iterator[Problem]:
    """Rules that a policy breaks, beside what exists in the workspace.

    written: somebody writes it now: what its conditions may cost counts too
    """
    yield from repeated(f"{place}/rules", [rule.id for rule in policy.rules])
    steps = 0
    for index, rule in enumerate(policy.rules):
        here = f"{place}/rules/{index}"
        yield from _rule_problems(here, rule, names)
        if wrong := list(_condition_problems(f"{here}/when", rule.when, names, written=written)):
            yield from wrong
        elif written:
            steps += steps_of(rule.when)
        if rule.id == "default":
            yield f"{here}/id", "`default` is the last rule's own name"
    if steps > _MOST_STEPS:
        yield (
            f"{place}/rules",
            f"their conditions may take {steps} steps together, {_MOST_STEPS} are allowed: write simpler ones",
        )
    yield from _rule_problems(f"{place}/default", policy.default, names)
    yield from _wait_problems(f"{place}/reopened_wait", policy.reopened_wait)


def _condition_problems(place: str, when: str, names: Names, *, written: bool) -> Iterator[Problem]:
    strangers = [(name, is_cut) for name, is_cut in names_read(when, "calendar") if name not in names.calendars]
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
    yield from _split_problems(f"{place}/split", rule, names)
    if rule.preferred_agent is not None:
        yield from _preference_problems(f"{place}/preferred_agent", rule.preferred_agent, names)
    shared = divided(rule)
    levels = {skill for each in (rule, *shared) for skill in (*each.skills, *each.preferred)}
    last = timedelta()
    for index, step in enumerate(rule.steps):
        here = f"{place}/steps/{index}"
        if step.after <= last:
            yield f"{here}/after", "later than the step before"
        elif step.after > _LAST_STEP:
            yield f"{here}/after", "366 days at most"
        last = step.after
        yield from unknown(f"{here}/queue", [step.queue] if step.queue else [], names.queues, "queue")
        yield from unknown(f"{here}/also", step.also, names.queues, "queue")
        for queue in sorted(names.outsourced.intersection(step.also)):
            yield (
                f"{here}/also",
                f"{queue} stands for a partner, who has no agents to help out: move it by `queue`",
            )
        yield from unknown(f"{here}/drop", step.drop, sorted(levels.union(rule.without)), "skill of this rule")
        yield from unknown(f"{here}/lower", list(step.lower), sorted(levels), "skill of this rule")
    yield from dict.fromkeys(problem for each in shared or [rule] for problem in _narrowing(place, each))
    if (rule.steps[-1] if rule.steps else rule).skip_if is not None:
        last_place = f"{place}/steps/{len(rule.steps) - 1}" if rule.steps else place
        yield f"{last_place}/skip_if", "no step comes after it: add one, or leave this out"


def _split_problems(place: str, rule: RulePart | DefaultRulePart, names: Names) -> Iterator[Problem]:
    if len(rule.split) == 1:
        yield place, "two shares or more: one alone divides nothing"
    for index, (share, shared) in enumerate(zip(rule.split, divided(rule), strict=True)):
        here = f"{place}/{index}"
        yield from unknown(f"{here}/queue", [share.queue] if share.queue else [], names.queues, "queue")
        if share.skills is not None or share.teams is not None:
            yield from _agent_problems(here, shared, names)


def _preference_problems(place: str, part: PreferredAgentPart, names: Names) -> Iterator[Problem]:
    if [part.agent is not None, part.label is not None, part.last].count(True) != 1:
        yield place, "say one of `agent`, `label` and `last: true`"
    yield from unknown(f"{place}/agent", [part.agent] if part.agent else [], names.agents, "agent")
    yield from _wait_problems(f"{place}/wait", part.wait)


def _wait_problems(place: str, wait: timedelta) -> Iterator[Problem]:
    if wait > _LONGEST_WAIT:
        yield place, "a day at most: nobody else is asked meanwhile"


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


def _narrowing(place: str, rule: RulePart | DefaultRulePart) -> Iterator[Problem]:
    """A step only widens who may be asked, unless it moves the item to another queue and says so."""
    tier, mode = rule.support_tier, rule.tier_mode
    for index, step in enumerate(rule.steps):
        new_tier, new_mode = step.support_tier or tier, step.tier_mode or mode
        if step.queue is None:
            here = f"{place}/steps/{index}"
            for skill, level in step.lower.items():
                if level > max(rule.skills.get(skill, 0), rule.preferred.get(skill, 0)) > 0:
                    yield f"{here}/lower/{skill}", "higher than before: a step only loosens"
            narrows = new_mode is not TierMode.AT_LEAST or new_tier > tier
            if narrows and (new_tier, new_mode) != (tier, mode):
                yield (
                    f"{here}/support_tier",
                    "a step only loosens: `at_least` with the same tier or a lower one",
                )
        tier, mode = new_tier, new_mode
