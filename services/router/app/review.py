"""Looks a configuration through as a colleague would: what is wrong, where, and what to do about it.

What is wrong whoever works here is refused. What depends on who does is only said, for staff come and go.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from services.router.app.policy_parts import PolicyPart
from services.router.domain.configuration import Configuration
from services.router.domain.eligibility import misfit
from services.router.domain.facts import WEEKDAYS
from services.router.domain.policy import Requirements, Rule, relaxed
from services.router.domain.queue import Ranking
from services.router.domain.staffing import Staff, Staffed, agents_in_words, lack_in_words
from shared.configuration import Problem
from shared.reach.order import Kind, review
from shared.reach.tickets import TICKETS
from shared.reach.vocabulary import Flag, Number, Text, Vocabulary
from shared.reach.words import impossible_literals, in_words, listed

VOCABULARY = Vocabulary(
    fields={
        **TICKETS.fields,
        ("time", "hour"): Number(least=0, most=23),
        ("time", "minute_of_day"): Number(least=0, most=24 * 60 - 1),
        ("time", "weekday"): Text(values=frozenset(WEEKDAYS)),
        ("time", "date"): Text(),
    },
    entries={**TICKETS.entries, ("calendar",): Flag()},
    same=TICKETS.same,
)
"""What the conditions of routing rules read can be."""

_MOST_WARNINGS = 100


def condition_problems(place: str, policy: PolicyPart) -> Iterator[Problem]:
    """Rules that never decide, whatever comes."""
    misspelt = set()
    for index, rule in enumerate(policy.rules):
        for problem in impossible_literals(rule.when, VOCABULARY):
            misspelt.add(index)
            yield f"{place}/rules/{index}/when", problem
    names = [rule.id for rule in policy.rules]
    for finding in review([rule.when for rule in policy.rules], VOCABULARY):
        is_last = finding.index == len(names) - 1
        if finding.index in misspelt or (finding.kind is Kind.ALWAYS and is_last):
            continue
        yield f"{place}/rules/{finding.index}/when", in_words(finding, names, "rule")


def staffing_warnings(configuration: Configuration, skills: Sequence[str]) -> list[str]:
    """What nobody can do, and what nobody is for. Each begins with the place that it is about.

    skills: as they are listed in the configuration
    """
    staff = Staff(configuration.agents.values())
    if not staff.names:
        return []
    found = list(islice(_warnings(configuration, skills, staff), _MOST_WARNINGS + 1))
    return found if len(found) <= _MOST_WARNINGS else [*found[:-1], "there is more of this kind"]


def _warnings(configuration: Configuration, skills: Sequence[str], staff: Staff) -> Iterator[str]:
    rules = configuration.policy.rules
    for index, rule in enumerate(rules):
        place = "/policy/default" if index == len(rules) - 1 else f"/policy/rules/{index}"
        staffed = [staff.staffed(target, rule.steps) for target in rule.targets]
        for number, (target, one) in enumerate(zip(rule.targets, staffed, strict=True)):
            share = f"/split/{number}" if rule.shares else ""
            yield from _target_warnings(f"{place}{share}", rule, target, one)
        wish = configuration.agents.get((rule.preference and rule.preference.agent_id) or "")
        if wish is not None and all(misfit(wish, target) for target in _asked(rule)):
            yield (
                f"{place}/preferred_agent/agent: {wish.agent_id} could never have what rule {rule.rule_id} asks"
                " for: look at their queues, tier, skills and teams, or prefer somebody else"
            )
        for step in sorted(set[int].intersection(*(set(one.idle) for one in staffed))):
            yield (
                f"{place}/steps/{step - 1}: step {step} of rule {rule.rule_id} changes nothing: it asks for what"
                " was asked for before; remove it, or say what it loosens"
            )
    for index, queue_id in enumerate(configuration.queues):
        if not staff.serves(queue_id):
            yield f"/queues/{index}: nobody serves queue {queue_id}: add it to an agent's queues, or remove it"
    yield from _skill_warnings(configuration, skills, staff)
    partners = (profile.partner for profile in configuration.agents.values())
    served = staff.in_queues(partner.fallback for partner in partners if partner is not None)
    for requirements in {asked: None for rule in rules for asked in _asked(rule)}:
        served |= staff.who(requirements)
    unserved = staff.named(~served & ((1 << len(staff.names)) - 1))
    if unserved:
        yield (
            f"/agents: no rule ever asks {listed(unserved)}: only transfers and escalations bring them work;"
            " if that is not meant, look at their queues, tiers and skills"
        )


def _skill_warnings(configuration: Configuration, skills: Sequence[str], staff: Staff) -> Iterator[str]:
    for index, skill in enumerate(skills):
        if not staff.has_skill(skill):
            yield f"/skills/{index}: nobody has the skill {skill}: give it to an agent, or remove it"
    # A score of a queue's own may read any skill.
    if any(queue.ranking is Ranking.SCORE for queue in configuration.queues.values()):
        return
    asked = {
        skill
        for rule in configuration.policy.rules
        for target in rule.targets
        for skill in (*dict(target.skills), *dict(target.preferred), *target.without)
    }
    if unasked := [skill for skill in skills if skill not in asked]:
        yield f"/skills: no rule asks for {listed(unasked)}: whoever has them is not asked any sooner"


def _asked(rule: Rule) -> list[Requirements]:
    return [relaxed(target, rule.steps[:count]) for target in rule.targets for count in range(len(rule.steps) + 1)]


def _target_warnings(place: str, rule: Rule, target: Requirements, staffed: Staffed) -> Iterator[str]:
    if staffed.lack is not None:
        last = rule.steps if staffed.opens_with is None else ()
        lack = lack_in_words(staffed.lack, relaxed(target, last))
        if staffed.opens_with is None:
            even = " even after its last step" if rule.steps else ""
            yield f"{place}: nobody can ever serve rule {rule.rule_id}{even}: {lack}"
        else:
            step = rule.steps[staffed.opens_with - 1]
            minutes = f"{step.after.total_seconds() / 60:g} minutes"
            yield (
                f"{place}: nobody can serve rule {rule.rule_id} until its step {staffed.opens_with} opens after"
                f" {minutes}, then {agents_in_words(staffed.count)} can: {lack}"
            )
