"""The router's part of a workspace's configuration: as it is written, checked, and turned into what decides."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from services.router.domain.agent import DEFAULT_CAPACITY, DEFAULT_LIMITS, AgentProfile, ChannelLimit
from services.router.domain.configuration import Configuration
from services.router.domain.matching import misfit
from services.router.domain.policy import FIELDS, Policy, Requirements, Rule, Step, TierMode
from services.router.domain.queue import DEFAULT_QUEUE, OfferMode, Queue, Ranking
from shared.conditions import compile_condition
from shared.configuration import Problem, repeated, unknown
from shared.durations import Duration
from shared.errors import InvalidInput
from shared.http.types import Request, Slug
from shared.vocabulary import ChannelKind, Priority

Level = Annotated[int, Field(ge=1, le=5)]
Tier = Annotated[int, Field(ge=1, le=9)]
Name = Annotated[str, StringConstraints(max_length=200)]


class LimitPart(Request):
    """What one item of a channel costs, and how many an agent may have at once."""

    cost: int = Field(ge=0, le=1000)
    most: int = Field(ge=0, le=1000)


class AgentPart(Request):
    """An agent: what they can do, and how much at once."""

    id: Slug
    name: Name = ""
    support_tier: Tier = 1
    teams: tuple[Slug, ...] = ()
    queues: tuple[Slug, ...] = (DEFAULT_QUEUE,)
    skills: dict[Slug, Level] = {}
    capacity: int = Field(default=DEFAULT_CAPACITY, ge=1, le=10_000)
    limits: dict[ChannelKind, LimitPart] = Field(default={}, description="Where they differ from the workspace's.")


class QueuePart(Request):
    """A queue: how what waits in it is given out."""

    id: Slug
    name: Name = ""
    rank: int = Field(default=50, ge=1, le=100, description="An agent in several queues serves the lowest first.")
    ranking: Ranking = Ranking.LONGEST_IDLE
    offer_mode: OfferMode = OfferMode.ASK
    offer_timeout: Duration = timedelta(seconds=120)
    wrap_up: Duration = timedelta()
    return_after: Duration = timedelta(minutes=15)


class StepPart(Request):
    """A loosening, once an item has waited so long."""

    after: Duration = Field(description="Since the item was queued; later steps have later times.")
    drop: tuple[Slug, ...] = ()
    lower: dict[Slug, Level] = {}
    tier_mode: TierMode | None = None
    support_tier: Tier | None = None
    queue: Slug | None = None


class RulePart(Request):
    """Where tickets go on which a CEL condition holds."""

    id: Slug
    when: str = Field(max_length=2000)
    queue: Slug
    support_tier: Tier = 1
    tier_mode: TierMode = TierMode.EXACT
    skills: dict[Slug, Level] = {}
    priority: Priority | None = None
    steps: tuple[StepPart, ...] = Field(default=(), max_length=20)


class DefaultRulePart(Request):
    """Where tickets go on which no condition holds."""

    queue: Slug = DEFAULT_QUEUE
    support_tier: Tier = 1
    tier_mode: TierMode = TierMode.AT_LEAST
    skills: dict[Slug, Level] = {}
    steps: tuple[StepPart, ...] = Field(default=(), max_length=20)


class PolicyPart(Request):
    """Ordered rules: the first that holds decides."""

    rules: tuple[RulePart, ...] = Field(default=(), max_length=1000)
    default: DefaultRulePart = DefaultRulePart()


class RouterPart(Request):
    """The router's part of the configuration."""

    skills: tuple[Slug, ...] = ()
    teams: tuple[Slug, ...] = ()
    limits: dict[ChannelKind, LimitPart] = {}
    agents: tuple[AgentPart, ...] = Field(default=(), max_length=20_000)
    queues: tuple[QueuePart, ...] = (QueuePart(id=DEFAULT_QUEUE),)
    policy: PolicyPart = PolicyPart()


def to_configuration(version: int, part: RouterPart) -> Configuration:
    """What the engine decides by. Raises InvalidInput naming every rule that the part breaks."""
    _refuse(_problems(part))
    limits = {**DEFAULT_LIMITS, **_limits(part.limits)}
    default = part.policy.default
    rules = [
        *(_rule(rule.id, rule, rule.priority, rule.when) for rule in part.policy.rules),
        _rule("default", default, None, None),
    ]
    return Configuration(
        version=version,
        agents={
            agent.id: AgentProfile(
                agent_id=agent.id,
                name=agent.name,
                support_tier=agent.support_tier,
                teams=frozenset(agent.teams),
                queues=frozenset(agent.queues),
                skills=dict(agent.skills),
                capacity=agent.capacity,
                limits={**limits, **_limits(agent.limits)},
            )
            for agent in part.agents
        },
        queues={
            queue.id: Queue(
                queue_id=queue.id,
                name=queue.name,
                rank=queue.rank,
                ranking=queue.ranking,
                offer_mode=queue.offer_mode,
                offer_timeout=queue.offer_timeout,
                wrap_up=queue.wrap_up,
                return_after=queue.return_after,
            )
            for queue in part.queues
        },
        policy=Policy(version=version, rules=tuple(rules)),
    )


def check(part: RouterPart) -> list[str]:
    """Warnings of what somebody writes: what is allowed and probably not meant, as rules that nobody could serve.

    Raises InvalidInput naming every rule that the part breaks, also by what its conditions may cost.
    """
    _refuse(_problems(part, written=True))
    configuration = to_configuration(0, part)
    found = []
    for rule in configuration.policy.rules:
        nobody = all(misfit(agent, rule.requirements) for agent in configuration.agents.values())
        if nobody and configuration.agents:
            found.append(f"rule {rule.rule_id}: no agent could serve it before its steps")
    return found


def _limits(part: dict[ChannelKind, LimitPart]) -> dict[ChannelKind, ChannelLimit]:
    return {kind: ChannelLimit(cost=limit.cost, most=limit.most) for kind, limit in part.items()}


def _rule(rule_id: str, part: RulePart | DefaultRulePart, priority: Priority | None, when: str | None) -> Rule:
    return Rule(
        rule_id=rule_id,
        condition=compile_condition(when, FIELDS) if when is not None else None,
        requirements=Requirements(
            queue=part.queue,
            support_tier=part.support_tier,
            tier_mode=part.tier_mode,
            skills=tuple(sorted(part.skills.items())),
        ),
        steps=tuple(
            Step(
                after=step.after,
                dropped=frozenset(step.drop),
                lowered=tuple(sorted(step.lower.items())),
                tier_mode=step.tier_mode,
                support_tier=step.support_tier,
                queue=step.queue,
            )
            for step in part.steps
        ),
        priority=priority,
    )


def _refuse(found: Iterator[Problem]) -> None:
    if problems := tuple(found):
        raise InvalidInput("The configuration breaks rules.", problems=problems)


def _problems(part: RouterPart, *, written: bool = False) -> Iterator[Problem]:
    queues = [queue.id for queue in part.queues]
    yield from repeated("/agents", [agent.id for agent in part.agents])
    yield from repeated("/queues", queues)
    yield from repeated("/policy/rules", [rule.id for rule in part.policy.rules])
    for index, agent in enumerate(part.agents):
        place = f"/agents/{index}"
        yield from unknown(f"{place}/queues", agent.queues, queues, "queue")
        yield from unknown(f"{place}/teams", agent.teams, part.teams, "team")
        yield from unknown(f"{place}/skills", list(agent.skills), part.skills, "skill")
    for index, queue in enumerate(part.queues):
        if not timedelta(seconds=1) <= queue.offer_timeout <= timedelta(days=1):
            yield f"/queues/{index}/offer_timeout", "between 1s and 1d"
    for index, rule in enumerate(part.policy.rules):
        place = f"/policy/rules/{index}"
        yield from _rule_problems(place, rule, part, queues)
        try:
            compile_condition(rule.when, FIELDS, written=written)
        except ValueError as error:
            yield f"{place}/when", str(error)
        if rule.id == "default":
            yield f"{place}/id", "`default` is the last rule's own name"
    yield from _rule_problems("/policy/default", part.policy.default, part, queues)


def _rule_problems(
    place: str, rule: RulePart | DefaultRulePart, part: RouterPart, queues: list[str]
) -> Iterator[Problem]:
    yield from unknown(f"{place}/queue", [rule.queue], queues, "queue")
    yield from unknown(f"{place}/skills", list(rule.skills), part.skills, "skill")
    tier, mode, last = rule.support_tier, rule.tier_mode, timedelta()
    for index, step in enumerate(rule.steps):
        here = f"{place}/steps/{index}"
        if step.after <= last:
            yield f"{here}/after", "later than the step before"
        last = step.after
        yield from unknown(f"{here}/queue", [step.queue] if step.queue else [], queues, "queue")
        asked = set(rule.skills)
        yield from unknown(f"{here}/drop", step.drop, sorted(asked), "required skill")
        yield from unknown(f"{here}/lower", list(step.lower), sorted(asked), "required skill")
        yield from _narrowing(here, rule, step, tier, mode)
        tier, mode = step.support_tier or tier, step.tier_mode or mode


def _narrowing(
    here: str, rule: RulePart | DefaultRulePart, step: StepPart, tier: int, mode: TierMode
) -> Iterator[Problem]:
    """A step only widens who may be asked, unless it moves the item to another queue and says so."""
    if step.queue is not None:
        return
    for skill, level in step.lower.items():
        if level > rule.skills.get(skill, level):
            yield f"{here}/lower/{skill}", "higher than before: a step only loosens"
    new_tier, new_mode = step.support_tier or tier, step.tier_mode or mode
    if (new_tier, new_mode) == (tier, mode):
        return
    if new_mode is not TierMode.AT_LEAST or new_tier > tier:
        yield f"{here}/support_tier", "a step only loosens: `at_least` with the same tier or a lower one"
