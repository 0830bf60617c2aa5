"""A waiting item and the agent whom it is for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.router.domain.agent import Agent
from services.router.domain.foremost import Head
from services.router.domain.matching import RequirementClass
from services.router.domain.order import Place
from services.router.domain.ranking import RankKey, rank_in
from services.router.domain.reasons import Choice, Together
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem


def gives_out(state: RoutingState, found: RequirementClass) -> bool:
    """Whether anything of this class can be given out at all now."""
    return bool(found.ready_count) and not found.is_pulled and state.opening(found.requirements.queue).is_open


@dataclass(frozen=True, slots=True)
class Match(Head):
    """A waiting item, where it stands, the agent whom it is for, and why."""

    agent: Agent
    choice: Choice

    @classmethod
    def of(
        cls,
        state: RoutingState,
        found: RequirementClass,
        item: WorkItem,
        place: Place,
        agent: Agent,
        ranked: Sequence[tuple[str, RankKey]],
        excluded: Mapping[str, int],
        together: Together | None = None,
    ) -> "Match":
        """With the record of why. ranked: the agent and the next best; excluded: agents by what keeps them out"""
        choice = Choice(
            requirements=found.requirements,
            ranking=found.queue.ranking,
            eligible=found.ready_count - sum(excluded.values()),
            others={**found.others(), **excluded},
            ranked=tuple(ranked),
            preferred_agent_id=item.preferred_agent_id,
            precedence=found.queue.order.precedence(place, state.now),
            together=together,
        )
        return cls(found, rank_in(ranked[0][1]), item, place, agent, choice)
