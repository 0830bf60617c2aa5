"""Routing policies: ordered rules, the first that holds decides queue, requirements and relaxation."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol
from uuid import UUID

from services.router.domain.facts import Facts, Moment, Variables, variables_of
from shared.vocabulary import Priority

HOLDS = "holds"
DOES_NOT_HOLD = "does not hold"


class Condition(Protocol):
    """A compiled condition."""

    def evaluate(self, variables: Variables) -> tuple[bool, str | None]:
        """Whether it holds, and why that could not be told, if so."""
        ...


class TierMode(StrEnum):
    """How the support tier binds."""

    EXACT = "exact"
    AT_LEAST = "at_least"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What an agent must have. Equal requirements share one index.

    also: queues whose agents help out, in the order in which steps added them; all else is as `queue` has it
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
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A loosening, once an item has waited so long since it was queued.

    after: since the item's start, so that time saved by one step goes to the next
    dropped: skills that are no longer asked for, preferred or ruled out; lowered: skill -> new least level
    any_team: from now on it does not matter in which team they are
    queue: where it waits from now on; also: queues whose agents help out from now on
    raise_by: how many steps more pressing the item becomes
    opens_early: it does not wait for its time while nobody can be asked
    expedite: the item is at the front of its line from now on
    is_overflow: it is the queue's, not the rule's
    """

    after: timedelta
    dropped: frozenset[str] = frozenset()
    lowered: tuple[tuple[str, int], ...] = ()
    tier_mode: TierMode | None = None
    support_tier: int | None = None
    any_team: bool = False
    queue: str | None = None
    also: tuple[str, ...] = ()
    raise_by: int = 0
    opens_early: bool = False
    expedite: bool = False
    is_overflow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What so much of a rule's tickets asks for."""

    weight: int
    requirements: Requirements


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """The agent whom a rule would have its tickets go to: named, in a label, or who had the ticket last.

    wait: how long nobody else is asked; ignores_capacity: they are asked whatever they have in hand
    """

    agent_id: str | None = None
    label: str | None = None
    wait: timedelta = timedelta()
    ignores_capacity: bool = False

    def named(self, facts: Facts, last: str | None) -> str | None:
        """Who that is for a ticket; last: who had it last."""
        if self.label is not None:
            return facts.labels.get(self.label)
        return self.agent_id or last


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What holds for tickets on which its condition holds. A rule without condition always holds.

    requirements: of all its tickets, or, where there are shares, of none
    expedite: its tickets are at the front of their lines for as long as their work lives
    """

    rule_id: str
    condition: Condition | None
    requirements: Requirements
    shares: tuple[Share, ...] = ()
    steps: tuple[Step, ...] = ()
    priority: Priority | None = None
    expedite: bool = False
    preference: Preference | None = None

    @property
    def targets(self) -> tuple[Requirements, ...]:
        """Everything that its tickets may ask for."""
        return tuple(share.requirements for share in self.shares) or (self.requirements,)


def _as_they_are(variables: Variables) -> Variables:
    return variables


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of a workspace; the last one always holds.

    prepare: makes variables ready once for the conditions of all rules
    reopened_wait: how long a reopened ticket waits for the agent who had it
    """

    version: int
    rules: tuple[Rule, ...]
    prepare: Callable[[Variables], Variables] = field(default=_as_they_are, compare=False)
    reopened_wait: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The rule that decides, and how it came to that.

    requirements: the rule's, or those of the ticket's share; note: which share that is
    trail: (rule, what became of it) up to the rule that held
    """

    rule: Rule
    facts: Facts
    requirements: Requirements
    note: str | None
    trail: tuple[tuple[str, str], ...]


def match(policy: Policy, ticket_id: UUID, facts: Facts, moment: Moment) -> Matched:
    """The first rule that holds. A condition that fails to evaluate does not hold; the trail says so."""
    variables = policy.prepare(variables_of(facts, moment)) if len(policy.rules) > 1 else {}
    trail: list[tuple[str, str]] = []
    for rule in policy.rules:
        holds, failure = (True, None) if rule.condition is None else rule.condition.evaluate(variables)
        trail.append((rule.rule_id, HOLDS if holds else failure or DOES_NOT_HOLD))
        if holds:
            requirements, note = _target(rule, ticket_id)
            return Matched(rule=rule, facts=facts, requirements=requirements, note=note, trail=tuple(trail))
    raise AssertionError("the last rule of a policy always holds")


def _target(rule: Rule, ticket_id: UUID) -> tuple[Requirements, str | None]:
    place = bucket(ticket_id, rule.rule_id) * sum(share.weight for share in rule.shares)
    for number, share in enumerate(rule.shares, start=1):
        if place < share.weight or number == len(rule.shares):
            return share.requirements, f"share {number} of {len(rule.shares)}"
        place -= share.weight
    return rule.requirements, None


def bucket(ticket_id: UUID, rule_id: str) -> float:
    """Where in [0, 1) a ticket lies when a rule divides its tickets: always in the same place."""
    digest = blake2b(ticket_id.bytes + rule_id.encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / (1 << 48)


def failures(trail: tuple[tuple[str, str], ...]) -> list[str]:
    """Why conditions of a trail could not be evaluated."""
    return [outcome for _, outcome in trail if outcome not in (HOLDS, DOES_NOT_HOLD)]


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
            also=_helped(() if step.queue else requirements.also, step.also),
        )
    return requirements


def _helped(before: tuple[str, ...], added: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *added)))


def _loosened(skills: tuple[tuple[str, int], ...], step: Step) -> tuple[tuple[str, int], ...]:
    lowered = dict(step.lowered)
    return tuple(
        (skill, min(level, lowered.get(skill, level))) for skill, level in skills if skill not in step.dropped
    )
