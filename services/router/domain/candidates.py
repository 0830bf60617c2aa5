"""Everybody who has what an item asks for, by what keeps them from being asked now.

There may be 15,000 of them while the engine waits for the answer: what its indexes know is not worked out again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.router.domain.agent import Agent
from services.router.domain.eligibility import misfit
from services.router.domain.matching import PRESENT, READY, RequirementClass, refuses
from services.router.domain.policy import Requirements
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem

ASKED = "asked"
REFUSED = "refused"
NEVER = "no_room_ever"
"""Their capacity and limits never let them have anything of this channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Who fits by configuration.

    by_condition: `ready`, or the first reason why they cannot be asked now -> who
    unfit: counts of people who do not, by what they lack
    """

    by_condition: Mapping[str, tuple[Agent, ...]]
    unfit: Mapping[str, int]

    @property
    def fit(self) -> int:
        """How many have what is asked for."""
        return sum(map(len, self.by_condition.values()))

    @property
    def obstacles(self) -> dict[str, int]:
        """How many of those who fit cannot be asked, by the first reason."""
        return {reason: len(who) for reason, who in sorted(self.by_condition.items()) if reason != READY}

    def who(self, *conditions: str) -> list[Agent]:
        """Those in any of these conditions."""
        return [agent for condition in conditions for agent in self.by_condition.get(condition, ())]

    def among(self, agent_id: str) -> "Candidates":
        """The same of one agent alone."""
        kept = {
            condition: tuple(agent for agent in who if agent.agent_id == agent_id)
            for condition, who in self.by_condition.items()
        }
        return Candidates(by_condition={key: who for key, who in kept.items() if who}, unfit=self.unfit)


def candidates(state: RoutingState, item: WorkItem) -> Candidates:
    """Who fits what the item asks for now, whether it is held for one agent or not, by the index of that."""
    found = state.classes.get((item.requirements, item.channel_kind, None)) or _index(state, item)
    asked = frozenset(item.offers.values())
    by_condition: dict[str, list[Agent]] = {}
    for name, condition in found.condition.items():
        agent = state.agents[name]
        by_condition.setdefault(_exactly(condition, agent, item, asked), []).append(agent)
    return Candidates(
        by_condition={condition: tuple(who) for condition, who in by_condition.items()},
        unfit={reason: count for reason, count in found.unfit.items() if count},
    )


def _index(state: RoutingState, item: WorkItem) -> RequirementClass:
    """What an index would know where none is kept: of work that is held for one agent, only theirs is."""
    asked = item.requirements
    made = RequirementClass(asked, item.channel_kind, state.configuration.queue(asked.queue))
    for name, agent in state.agents.items():
        lack = misfit(agent.profile, asked)
        if lack is None:
            made.condition[name] = made.condition_of(agent)
        elif agent.profile.partner is None:
            made.unfit[lack] += 1
    return made


def _exactly(condition: str, agent: Agent, item: WorkItem, asked: frozenset[str]) -> str:
    """What keeps the agent from being asked for this very item first of all, or `ready`."""
    if agent.agent_id in asked:
        return ASKED
    if condition == "capacity":
        limit = agent.profile.limits[item.channel_kind]
        if limit.most < 1 or limit.cost > agent.profile.capacity:
            return NEVER
    # Whoever is away or off duty is asked again when they are back, whatever they have refused.
    is_refused = agent.agent_id in item.refused_by and condition in PRESENT and refuses(agent, item)
    return REFUSED if is_refused else condition


def ready_for(state: RoutingState, item: WorkItem, asked: Requirements, free: Iterable[Agent]) -> list[Agent]:
    """Those of the agents with room who could be asked if the item asked for this."""
    keeps = state.configuration.queue(asked.queue).reserve
    return [
        agent
        for agent in free
        if (keeps or not agent.is_kept) and not refuses(agent, item) and misfit(agent.profile, asked) is None
    ]
