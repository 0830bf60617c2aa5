"""The router's part of a workspace's configuration: as it is written, checked, and turned into what decides."""

from collections.abc import Iterator

from pydantic import Field

from services.router.app.agent_parts import AgentPart, LimitPart, agent_problems, to_limits, to_profile
from services.router.app.policy_parts import PolicyPart, policy_problems, to_policy
from services.router.app.queue_parts import QueuePart, queue_problems, to_queue
from services.router.domain.configuration import Configuration
from services.router.domain.eligibility import misfit
from services.router.domain.queue import DEFAULT_QUEUE
from shared.configuration import Problem, repeated
from shared.errors import InvalidInput
from shared.http.types import Request, Slug
from shared.vocabulary import ChannelKind


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
    limits = to_limits(part.limits)
    return Configuration(
        version=version,
        agents={agent.id: to_profile(agent, limits) for agent in part.agents},
        queues={queue.id: to_queue(queue) for queue in part.queues},
        policy=to_policy(version, part.policy),
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


def _refuse(found: Iterator[Problem]) -> None:
    if problems := tuple(found):
        raise InvalidInput("The configuration breaks rules.", problems=problems)


def _problems(part: RouterPart, *, written: bool = False) -> Iterator[Problem]:
    queues = [queue.id for queue in part.queues]
    yield from repeated("/agents", [agent.id for agent in part.agents])
    yield from repeated("/queues", queues)
    for index, agent in enumerate(part.agents):
        yield from agent_problems(f"/agents/{index}", agent, queues=queues, teams=part.teams, skills=part.skills)
    for index, queue in enumerate(part.queues):
        yield from queue_problems(f"/queues/{index}", queue)
    yield from policy_problems("/policy", part.policy, queues=queues, skills=part.skills, written=written)
