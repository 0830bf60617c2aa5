"""Who may, and who first: an index for each set of requirements, so that choosing scans no agents.

A class of requirements keeps its members (agents who fit by configuration), those of them who could be asked
now in ranking order, its waiting items in order, and counters of why the others cannot be asked. Heaps are
lazy: an entry that its subject has outlived is stale, and dropped when it comes up or when most entries are.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from services.router.domain.agent import Agent
from services.router.domain.eligibility import misfit
from services.router.domain.line import Line
from services.router.domain.policy import Requirements
from services.router.domain.queue import OfferMode, Queue
from services.router.domain.ranking import RankKey, rank_in, rank_key
from services.router.domain.work_item import Only, WorkItem
from shared.vocabulary import ChannelKind

READY = "ready"
RESERVED = "reserved"
PRESENT = (READY, RESERVED, "capacity")
"""Conditions of those who are there: they can be asked now, or once they have room or are not kept."""
_RUNNERS_UP = 2

ClassKey = tuple[Requirements, ChannelKind, Only | None]
AgentEntry = tuple[RankKey, str, int]


def refuses(agent: Agent, item: WorkItem) -> bool:
    """Whether the agent has refused this item and has not been away since."""
    return item.refused_by.get(agent.agent_id) == agent.availability


@dataclass(slots=True, eq=False)
class RequirementClass:
    """One set of requirements on one channel kind, with who fits it and what waits for it.

    only: the one agent who is asked for what waits here, where it is held for somebody
    ready: a heap of entries; standing: agent -> the one of them that holds, for those who could be asked now
    """

    requirements: Requirements
    kind: ChannelKind
    queue: Queue
    members: set[str] = field(default_factory=set)
    unfit: Counter[str] = field(default_factory=Counter)
    condition: dict[str, str] = field(default_factory=dict)
    conditions: Counter[str] = field(default_factory=Counter)
    ready: list[AgentEntry] = field(default_factory=list)
    standing: dict[str, AgentEntry] = field(default_factory=dict)
    only: Only | None = None
    line: Line = field(init=False)

    def __post_init__(self) -> None:
        self.line = Line(self.queue.order)

    @property
    def key(self) -> ClassKey:
        """What makes it another class than any other."""
        return self.requirements, self.kind, self.only

    def admit(self, agent: Agent) -> bool:
        """Takes the agent in if they fit by configuration."""
        problem = misfit(agent.profile, self.requirements)
        if problem is not None:
            self._count_unfit(agent, problem, 1)
            return False
        self.members.add(agent.agent_id)
        self.refresh(agent, self.condition_of(agent))
        return True

    def withdraw(self, agent: Agent) -> None:
        """Lets go of an agent whom it was told of, before their profile changes."""
        if agent.agent_id not in self.members:
            self._count_unfit(agent, misfit(agent.profile, self.requirements) or "", -1)
            return
        self.members.remove(agent.agent_id)
        self.standing.pop(agent.agent_id, None)
        self.conditions[self.condition.pop(agent.agent_id)] -= 1

    def _count_unfit(self, agent: Agent, problem: str, by: int) -> None:
        """A partner is nobody of the house whom a queue of the house lacks."""
        if agent.profile.partner is None:
            self.unfit[problem] += by

    def concerns(self, agent_id: str) -> bool:
        """Whether the agent could ever be a member: a class for one agent is nobody else's."""
        return self.only is None or self.only.agent_id == agent_id

    def refresh(self, agent: Agent, now: str) -> None:
        """Takes note of a member's changed state, load or rank. The agent's stamp has risen.

        now: their condition, which is the same in all classes of a post
        """
        before = self.condition.get(agent.agent_id)
        if before != now:
            if before is not None:
                self.conditions[before] -= 1
            self.conditions[now] += 1
            self.condition[agent.agent_id] = now
        if now == READY:
            self._stand(self.rank_key(agent), agent)
        else:
            self.standing.pop(agent.agent_id, None)

    def could_ask(self, agent: Agent) -> bool:
        """Whether the agent is a member who could be asked now, be it noted already or not."""
        return agent.agent_id in self.members and self.condition_of(agent) == READY

    def condition_of(self, agent: Agent) -> str:
        """Whether an agent who fits could be asked now, or what keeps them from it."""
        now = agent.obstacle(self.kind) or (RESERVED if agent.is_kept and not self.queue.reserve else READY)
        is_enough = now == "capacity" and self.only is not None and self.only.ignores_capacity
        return READY if is_enough else now

    def rank_key(self, agent: Agent) -> RankKey:
        """What the agent is sorted by here."""
        return rank_key(agent, self.requirements, self.kind, self.queue)

    def _stand(self, key: RankKey, agent: Agent) -> None:
        """The agent stands where their rank puts them. No heap of mostly stale entries is kept."""
        before = self.standing.get(agent.agent_id)
        if before is not None and before[0] == key:
            return
        entry = self.standing[agent.agent_id] = (key, agent.agent_id, agent.stamp)
        heappush(self.ready, entry)
        if len(self.ready) > 4 * len(self.members) + 64:
            self.ready = list(self.standing.values())
            heapify(self.ready)

    @property
    def is_pulled(self) -> bool:
        """Whether nobody is asked for what waits here: agents take it themselves."""
        return self.queue.mode_for(self.kind) is OfferMode.PULL

    @property
    def ready_count(self) -> int:
        """How many agents could be asked now."""
        return len(self.standing)

    def lowest_rank(self) -> int:
        """The lowest rank at which anybody who could be asked now serves the queue. Somebody has to be there."""
        while self.standing.get(self.ready[0][1]) != self.ready[0]:
            heappop(self.ready)
        return rank_in(self.ready[0][0])

    def candidates(self) -> Iterator[AgentEntry]:
        """Agents who could be asked now, the first in rank first. Whoever takes an entry puts it back."""
        while self.ready:
            entry = heappop(self.ready)
            if self.standing.get(entry[1]) == entry:
                yield entry

    def choose(
        self, item: WorkItem, agents: Mapping[str, Agent]
    ) -> tuple[Agent | None, list[tuple[str, RankKey]], dict[str, int]]:
        """The agent for an item, the ranking values of the best few, and how many it excludes, by reason.

        The item's preferred agent comes first where they could be asked. The index stays as it is.
        """
        taken: list[AgentEntry] = []
        ranked: list[tuple[str, RankKey]] = []
        asked = {name for name in item.offers.values() if name in self.standing}
        excluded = self.excluded(item, agents)
        for entry in self.candidates():
            taken.append(entry)
            if entry[1] in asked or refuses(agents[entry[1]], item):
                continue
            ranked.append((entry[1], entry[0]))
            if len(ranked) > _RUNNERS_UP:
                break
        for entry in taken:
            heappush(self.ready, entry)
        preferred = agents.get(item.preferred_agent_id or "")
        if preferred is not None and self._may_ask(preferred, item, asked):
            key = self.rank_key(preferred)
            rest = [entry for entry in ranked if entry[0] != preferred.agent_id]
            return preferred, [(preferred.agent_id, key), *rest][: _RUNNERS_UP + 1], excluded
        return (agents[ranked[0][0]] if ranked else None), ranked, excluded

    def excluded(self, item: WorkItem, agents: Mapping[str, Agent]) -> dict[str, int]:
        """How many of those who could be asked now are not asked for this item, by reason."""
        refused = sum(name in self.standing and refuses(agents[name], item) for name in item.refused_by)
        asked = len({name for name in item.offers.values() if name in self.standing})
        return {reason: count for reason, count in (("refused", refused), ("asked", asked)) if count}

    def _may_ask(self, agent: Agent, item: WorkItem, asked: set[str]) -> bool:
        return agent.agent_id in self.standing and agent.agent_id not in asked and not refuses(agent, item)

    def is_refused_by_all(self, item: WorkItem, agents: Mapping[str, Agent], agent_id: str) -> bool:
        """Whether everybody who is there and fits has refused the item, this agent just now."""
        refusers = {name for name in item.refused_by if name in agents and refuses(agents[name], item)}
        present = sum(self.condition.get(name) in PRESENT for name in refusers | {agent_id})
        return present == sum(self.conditions[each] for each in PRESENT)

    def others(self) -> dict[str, int]:
        """How many agents could not be asked, by the first reason."""
        counts = {reason: count for reason, count in self.conditions.items() if count and reason != READY}
        return dict(sorted({**{reason: count for reason, count in self.unfit.items() if count}, **counts}.items()))
