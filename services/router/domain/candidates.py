"""Everybody who has what an item asks for, by what keeps them from being asked now."""

from collections import Counter
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

    by_condition: `ready`, or the first reason why they cannot be asked now -> who, by name
    unfit: counts of everybody else by what they lack
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


def candidates(state: RoutingState, item: WorkItem, requirements: Requirements) -> Candidates:
    """Who could be asked for the item if it asked for this, whether it is held for one agent or not.

    Looks at every agent of the index of these requirements, and at every agent where there is none.
    """
    kind = item.channel_kind
    known = state.classes.get((requirements, kind, None))
    asked = frozenset(item.offers.values())
    if known is not None:
        members: Iterable[str] = sorted(known.members)
        unfit = Counter({reason: count for reason, count in known.unfit.items() if count})
    else:
        known = RequirementClass(requirements, kind, state.configuration.queue(requirements.queue))
        lacks = {name: misfit(agent.profile, requirements) for name, agent in sorted(state.agents.items())}
        members = [name for name, lack in lacks.items() if lack is None]
        unfit = Counter(lack for lack in lacks.values() if lack is not None)
    found: dict[str, list[Agent]] = {}
    for name in members:
        agent = state.agents[name]
        found.setdefault(_condition(known, agent, item, asked), []).append(agent)
    return Candidates(by_condition={reason: tuple(who) for reason, who in found.items()}, unfit=dict(unfit))


def _condition(found: RequirementClass, agent: Agent, item: WorkItem, asked: frozenset[str]) -> str:
    """What keeps the agent from being asked first of all, or `ready`."""
    if agent.agent_id in asked:
        return ASKED
    condition = found.condition_of(agent)
    limit = agent.profile.limits[item.channel_kind]
    if condition == "capacity" and (limit.most < 1 or limit.cost > agent.profile.capacity):
        return NEVER
    # Whoever is away or off duty is asked again when they are back, whatever they have refused.
    return REFUSED if condition in PRESENT and refuses(agent, item) else condition
