"""Who of several agents that fit is asked first."""

from math import exp, isfinite

from services.router.domain.agent import Agent
from services.router.domain.policy import Requirements
from services.router.domain.queue import Queue, Ranking, Score
from shared.vocabulary import ChannelKind

RankKey = tuple[float | int | str, ...]


def rank_key(agent: Agent, requirements: Requirements, kind: ChannelKind, queue: Queue) -> RankKey:
    """What agents are sorted by.

    First the rank at which they serve the queue: what a freed agent serves first, and whom an item asks first,
    is one order, so that it does not matter where one begins. Then the lowest sufficient tier, the queue's own
    agents before those who help out, more of what is preferred, the strategy, the slug.
    """
    profile = agent.profile
    return (
        profile.ranks.get(requirements.queue, queue.rank),
        profile.support_tier,
        int(requirements.queue not in profile.queues),
        -preferences_met(agent, requirements),
        *_strategy(agent, requirements, kind, queue),
        agent.agent_id,
    )


def _strategy(agent: Agent, requirements: Requirements, kind: ChannelKind, queue: Queue) -> RankKey:
    idle = agent.idle_since.timestamp()
    match queue.ranking:
        case Ranking.LONGEST_IDLE:
            return (idle,)
        case Ranking.LEAST_LOADED:
            return agent.used / agent.profile.capacity, idle
        case Ranking.ROUND_ROBIN:
            last = agent.last_assigned.get(kind)
            return (last.timestamp() if last else 0.0,)
        case Ranking.BEST_MATCH:
            return -goodness(agent, requirements), idle
        case Ranking.SCORE:
            assert queue.score is not None, "a queue that ranks by score has one"
            return *_scored(agent, requirements, kind, queue.queue_id, queue.score), idle


def rank_in(key: RankKey) -> int:
    """At which rank the agent whom this key ranks serves the queue."""
    return int(key[0])


def precedence_in(key: RankKey) -> RankKey:
    """What comes before all that a queue ranks by: the rank, the tier, the queue's own agents before helpers."""
    return key[:3]


def preferences_met(agent: Agent, requirements: Requirements) -> int:
    """How many of the preferred skills the agent has, at the level that is preferred."""
    levels = agent.profile.skills
    return sum(levels.get(skill, 0) >= level for skill, level in requirements.preferred)


def preferences_in(key: RankKey) -> int:
    """How many preferred skills the agent has whom this key ranks."""
    return -int(key[3])


def problem_of_score(key: RankKey) -> str | None:
    """Why the agent whom this key ranks by score has none, or None."""
    flag, problem = key[-4:-2]
    return str(problem) if flag == 1 else None


def goodness(agent: Agent, requirements: Requirements) -> float:
    """By how much the agent's skills exceed what is asked: the mean over the skills; nothing asked: 0.

    A partner has no levels, and is asked all the same.
    """
    levels = agent.profile.skills
    values = [excess(levels.get(skill, 0), least) for skill, least in requirements.skills]
    return sum(values) / len(values) if values else 0.0


def excess(level: int, least: int) -> float:
    """By how much a level exceeds the least that is asked, 0 to 1: 1 / (1 + e^-x), x = (level - least) / least.

    Vectors (level, least): 3, 3 -> .5000; 4, 3 -> .5826; 5, 3 -> .6608; 5, 1 -> .9820.
    """
    return 1 / (1 + exp((least - level) / least))


def _scored(
    agent: Agent, requirements: Requirements, kind: ChannelKind, queue_id: str, score: Score
) -> tuple[float | int | str, ...]:
    """(0, -score), or (1, the problem) where there is none: who cannot be scored comes last.

    Between two changes of their load an agent is scored once for each queue, channel and tier: it is what takes
    longest of all that an index is told of an agent.
    """
    about = (queue_id, kind, requirements.support_tier)
    known = agent.scores.get(about)
    if known is not None and known[0] == agent.used:
        return known[1]
    found = _evaluated(agent, about, score)
    agent.scores[about] = agent.used, found
    return found


def _evaluated(agent: Agent, about: tuple[str, ChannelKind, int], score: Score) -> tuple[float | int | str, ...]:
    profile = agent.profile
    value, problem = score.value(
        {
            "agent": {
                "tier": profile.support_tier,
                "load": agent.used,
                "capacity": profile.capacity,
                "skills": dict(profile.skills),
                "teams": sorted(profile.teams),
            },
            "work": {"queue": about[0], "channel_kind": about[1].value, "support_tier": about[2]},
        }
    )
    if problem is not None:
        return 1, problem
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return 1, "is not a number"
    return 0, -value
