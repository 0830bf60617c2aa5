"""Routing policies as they are written in a configuration."""

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from services.router.app.agent_parts import Level, Tier
from services.router.domain.facts import FIELDS
from services.router.domain.policy import Policy, Preference, Requirements, Rule, Share, Step, TierMode
from services.router.domain.queue import DEFAULT_QUEUE
from shared.conditions import Condition, compile_condition, preparing
from shared.durations import Duration
from shared.http.types import Request, Slug
from shared.vocabulary import Priority


class SkipIf(StrEnum):
    """When the next step opens before its time."""

    NOBODY_READY = "nobody_ready"


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
    raise_by: int = Field(default=0, ge=0, le=3)
    expedite: bool = Field(default=False, description="It is at the front of its line from now on.")
    skip_if: SkipIf | None = None


class SharePart(Request):
    """So much of a rule's tickets, and where they differ from what the rule says."""

    weight: int = Field(ge=1, le=1000)
    queue: Slug | None = None
    support_tier: Tier | None = None
    tier_mode: TierMode | None = None
    skills: dict[Slug, Level] | None = None
    teams: tuple[Slug, ...] | None = None


class PreferredAgentPart(Request):
    """The agent who is asked first: named, in a label of the ticket, or who had it last."""

    agent: Slug | None = None
    label: str | None = Field(default=None, min_length=1, max_length=200)
    last: bool = False
    wait: Duration = Field(default=timedelta(), description="Nobody else is asked for so long, one day at most.")
    ignore_capacity: bool = False


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
    preferred_agent: PreferredAgentPart | None = None
    split: tuple[SharePart, ...] = Field(default=(), max_length=20)
    expedite: bool = False
    skip_if: SkipIf | None = None
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
    preferred_agent: PreferredAgentPart | None = None
    split: tuple[SharePart, ...] = Field(default=(), max_length=20)
    expedite: bool = False
    skip_if: SkipIf | None = None
    steps: tuple[StepPart, ...] = Field(default=(), max_length=20)


class PolicyPart(Request):
    """Ordered rules: the first that holds decides."""

    rules: tuple[RulePart, ...] = Field(default=(), max_length=1000)
    default: DefaultRulePart = DefaultRulePart()
    reopened_wait: Duration = Field(
        default=timedelta(), description="How long a reopened ticket waits for the agent who had it."
    )


def to_policy(version: int, policy: PolicyPart) -> Policy:
    """What the engine decides by. The conditions have been checked before."""
    conditions = [compile_condition(rule.when, FIELDS) for rule in policy.rules]
    rules = [
        *(
            _rule(rule.id, rule, rule.priority, condition)
            for rule, condition in zip(policy.rules, conditions, strict=True)
        ),
        _rule("default", policy.default, None, None),
    ]
    return Policy(
        version=version, rules=tuple(rules), prepare=preparing(conditions), reopened_wait=policy.reopened_wait
    )


def divided(rule: RulePart | DefaultRulePart) -> list[RulePart | DefaultRulePart]:
    """The rule as each of its shares has it."""
    return [
        rule.model_copy(update=share.model_dump(exclude={"weight"}, exclude_none=True)) for share in rule.split
    ]


def _requirements(part: RulePart | DefaultRulePart) -> Requirements:
    return Requirements(
        queue=part.queue,
        support_tier=part.support_tier,
        tier_mode=part.tier_mode,
        skills=tuple(sorted(part.skills.items())),
        preferred=tuple(sorted(part.preferred.items())),
        without=tuple(sorted(set(part.without))),
        teams=tuple(sorted(set(part.teams))),
    )


def _preference(part: PreferredAgentPart) -> Preference:
    return Preference(agent_id=part.agent, label=part.label, wait=part.wait, ignores_capacity=part.ignore_capacity)


def _rule(
    rule_id: str, part: RulePart | DefaultRulePart, priority: Priority | None, condition: Condition | None
) -> Rule:
    return Rule(
        rule_id=rule_id,
        condition=condition,
        requirements=_requirements(part),
        shares=tuple(
            Share(weight=share.weight, requirements=_requirements(shared))
            for share, shared in zip(part.split, divided(part), strict=True)
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
                raise_by=step.raise_by,
                expedite=step.expedite,
                opens_early=before.skip_if is not None,
            )
            for before, step in zip((part, *part.steps), part.steps, strict=False)
        ),
        priority=priority,
        expedite=part.expedite,
        preference=_preference(part.preferred_agent) if part.preferred_agent else None,
    )
