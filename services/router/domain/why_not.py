"""Why somebody else: what kept an agent from being the one, from the state directly after the choice."""

from dataclasses import dataclass

from services.router.domain import decision as d
from services.router.domain.eligibility import misfit
from services.router.domain.matching import READY, RequirementClass, refuses
from services.router.domain.ranking import RankKey
from services.router.domain.reason_words import obstacle, plain
from services.router.domain.reasons import Choice
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem

Given = d.WorkOffered | d.WorkAssigned


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """What kept an agent from being the one.

    reason: `chosen`, `unknown`, `ranked`, `preferred`, `together`, or what choices count others by,
        as `queue` or `skill:german`
    ranking: their ranking values and the chosen one's, where they could have been asked
    """

    agent_id: str
    reason: str
    words: str
    ranking: RankKey | None = None
    chosen_ranking: RankKey | None = None


def is_choice(made: d.Decision) -> bool:
    """Whether the decision chose among agents: not where somebody took it, or got it by hand."""
    return isinstance(made, Given) and made.reasons.choice is not None


def why_not(state: RoutingState, made: Given, agent_id: str) -> WhyNot:
    """Why this choice was not of this agent. state: directly after it, which has changed only whom it chose."""
    choice = made.reasons.choice
    assert choice is not None, "not a choice"
    if agent_id == made.agent_id:
        return WhyNot(agent_id=agent_id, reason="chosen", words=f"{agent_id} was the one.")
    agent = state.agents.get(agent_id)
    if agent is None:
        return WhyNot(agent_id=agent_id, reason="unknown", words=f"There was no agent {agent_id} then.")
    item = state.items[made.work_id]
    found = state.class_for(choice.requirements, item.channel_kind)
    reason = misfit(agent.profile, choice.requirements) or _excluded(state, found, item, agent_id)
    if reason is not None:
        return WhyNot(agent_id=agent_id, reason=reason, words=f"{agent_id} was passed over: {obstacle(reason)}.")
    ours, theirs = found.rank_key(agent), dict(choice.ranked).get(made.agent_id)
    reason, why = _preceded(choice, made.agent_id)
    return WhyNot(
        agent_id=agent_id,
        reason=reason,
        words=f"{agent_id} could have been asked, but {why}.",
        ranking=ours,
        chosen_ranking=theirs,
    )


def _preceded(choice: Choice, chosen: str) -> tuple[str, str]:
    """By what the chosen one comes before others who could have been asked."""
    if choice.together:
        return "together", f"for {choice.together.items} items at once it was better that {chosen} had it"
    if chosen == choice.preferred_agent_id:
        return "preferred", f"{chosen} is asked first for this item"
    return "ranked", f"{chosen} came first by {plain(choice.ranking)}"


def _excluded(state: RoutingState, found: RequirementClass, item: WorkItem, agent_id: str) -> str | None:
    condition = found.condition[agent_id]
    if condition != READY:
        return condition
    if agent_id in item.offers.values():
        return "asked"
    return "refused" if refuses(state.agents[agent_id], item) else None
