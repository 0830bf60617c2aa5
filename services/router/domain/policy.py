"""Routing policies: ordered rules, the first that holds decides queue, requirements and relaxation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from shared.vocabulary import ChannelKind, Priority

FIELDS: Mapping[str, frozenset[str]] = {
    "ticket": frozenset({"channel", "channel_kind", "priority", "language", "labels"}),
    "customer": frozenset({"tier", "language", "organisation"}),
}
"""What a rule's condition may read."""


class Condition(Protocol):
    """A compiled condition."""

    def evaluate(self, variables: Mapping[str, Mapping[str, object]]) -> tuple[bool, str | None]:
        """Whether it holds, and why that could not be told, if so."""
        ...


class TierMode(StrEnum):
    """How the support tier binds."""

    EXACT = "exact"
    AT_LEAST = "at_least"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What an agent must have. Equal requirements share one index.

    skills: (skill, least level), by name; preferred: the same for what is good to have
    without: skills that they must not have
    teams: they must be in one of these; none: whatever team they are in
    """

    queue: str
    support_tier: int = 1
    tier_mode: TierMode = TierMode.EXACT
    skills: tuple[tuple[str, int], ...] = ()
    preferred: tuple[tuple[str, int], ...] = ()
    without: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A loosening, once an item has waited so long since it was queued.

    after: since the item's start, so that time saved by one step goes to the next
    dropped: skills that are no longer asked for, preferred or ruled out; lowered: skill -> new least level
    any_team: from now on it does not matter in which team they are
    """

    after: timedelta
    dropped: frozenset[str] = frozenset()
    lowered: tuple[tuple[str, int], ...] = ()
    tier_mode: TierMode | None = None
    support_tier: int | None = None
    any_team: bool = False
    queue: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What holds for tickets on which its condition holds. A rule without condition always holds."""

    rule_id: str
    condition: Condition | None
    requirements: Requirements
    steps: tuple[Step, ...] = ()
    priority: Priority | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of a workspace; the last one always holds."""

    version: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a policy decides by."""

    channel: str
    channel_kind: ChannelKind
    priority: Priority
    labels: Mapping[str, str]
    language: str | None
    customer_tier: str
    customer_language: str | None
    organisation_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The rule that decides, and how it came to that.

    trail: (rule, what became of it) up to the rule that held
    """

    rule: Rule
    trail: tuple[tuple[str, str], ...]


def match(policy: Policy, facts: Facts) -> Matched:
    """The first rule that holds. A condition that fails to evaluate does not hold; the trail says so."""
    variables = variables_of(facts)
    trail: list[tuple[str, str]] = []
    for rule in policy.rules:
        holds, failure = (True, None) if rule.condition is None else rule.condition.evaluate(variables)
        trail.append((rule.rule_id, "holds" if holds else failure or "does not hold"))
        if holds:
            return Matched(rule=rule, trail=tuple(trail))
    raise AssertionError("the last rule of a policy always holds")


def variables_of(facts: Facts) -> dict[str, dict[str, object]]:
    """What a condition reads."""
    return {
        "ticket": {
            "channel": facts.channel,
            "channel_kind": facts.channel_kind.value,
            "priority": facts.priority.value,
            "language": facts.language or "",
            "labels": facts.labels,
        },
        "customer": {
            "tier": facts.customer_tier,
            "language": facts.customer_language or "",
            "organisation": facts.organisation_id or "",
        },
    }


def relaxed(requirements: Requirements, steps: tuple[Step, ...]) -> Requirements:
    """Requirements after these steps."""
    for step in steps:
        requirements = replace(
            requirements,
            queue=step.queue or requirements.queue,
            support_tier=step.support_tier or requirements.support_tier,
            tier_mode=step.tier_mode or requirements.tier_mode,
            skills=_loosened(requirements.skills, step),
            preferred=_loosened(requirements.preferred, step),
            without=tuple(skill for skill in requirements.without if skill not in step.dropped),
            teams=() if step.any_team else requirements.teams,
        )
    return requirements


def _loosened(skills: tuple[tuple[str, int], ...], step: Step) -> tuple[tuple[str, int], ...]:
    lowered = dict(step.lowered)
    return tuple(
        (skill, min(level, lowered.get(skill, level))) for skill, level in skills if skill not in step.dropped
    )
