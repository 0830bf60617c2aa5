"""Who of several agents that fit is asked first."""

from services.router.domain.agent import Agent
from services.router.domain.queue import Ranking
from shared.vocabulary import ChannelKind

RankKey = tuple[float | int | str, ...]


def rank_key(agent: Agent, kind: ChannelKind, ranking: Ranking) -> RankKey:
    """What agents are sorted by: the lowest sufficient tier, then the strategy, then the slug."""
    tier = agent.profile.support_tier
    idle = agent.idle_since.timestamp()
    match ranking:
        case Ranking.LONGEST_IDLE:
            return tier, idle, agent.agent_id
        case Ranking.LEAST_LOADED:
            return tier, agent.used / agent.profile.capacity, idle, agent.agent_id
        case Ranking.ROUND_ROBIN:
            last = agent.last_assigned.get(kind)
            return tier, last.timestamp() if last else 0.0, agent.agent_id
