"""Agents whom a queue keeps free for its own work, so that others get only what is beyond its reserve.

An agent is free while they are available, on duty, and have nothing in hand that counts. Of a queue with a
reserve of n, the last n free agents are kept: work of queues without a reserve passes them over. Queues with
reserves do not hold each other back: two of them that share an agent would leave that agent idle for ever.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.router.domain.agent import Agent
from services.router.domain.queue import Queue
from shared.vocabulary import AgentState


def is_free(agent: Agent) -> bool:
    """Whether the agent could begin with anything at all."""
    return agent.state is AgentState.AVAILABLE and agent.is_on_duty and agent.used == 0


@dataclass(slots=True)
class Reserves:
    """Who is free in each queue that has a reserve.

    sizes: queue -> how many free agents it keeps
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    free: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, queues: Iterable[Queue], agents: Mapping[str, Agent]) -> "Reserves":
        """The reserves of a configuration; says of every agent whether they are kept."""
        sizes = {queue.queue_id: queue.reserve for queue in queues if queue.reserve}
        made = cls(sizes, {queue_id: set() for queue_id in sizes})
        for agent in agents.values():
            for queue_id in made._queues_of(agent):
                if is_free(agent):
                    made.free[queue_id].add(agent.agent_id)
        for agent in agents.values():
            agent.is_kept = made._keeps(agent)
        return made

    def note(self, agent: Agent, agents: Mapping[str, Agent]) -> list[Agent]:
        """Takes note of a changed agent. Which others are kept since, or no longer: a reserve and one at most."""
        if not self.sizes:
            return []
        touched: set[str] = set()
        for queue_id in self._queues_of(agent):
            free = self.free[queue_id]
            kept_before = len(free) <= self.sizes[queue_id]
            (free.add if is_free(agent) else free.discard)(agent.agent_id)
            if kept_before != (len(free) <= self.sizes[queue_id]):
                touched |= free
        agent.is_kept = self._keeps(agent)
        changed = [agents[name] for name in sorted(touched) if agents[name].is_kept != self._keeps(agents[name])]
        for other in changed:
            other.is_kept = not other.is_kept
        return changed

    def _queues_of(self, agent: Agent) -> list[str]:
        return sorted(self.sizes.keys() & agent.profile.queues) if self.sizes else []

    def _keeps(self, agent: Agent) -> bool:
        return any(
            agent.agent_id in self.free[queue_id] and len(self.free[queue_id]) <= self.sizes[queue_id]
            for queue_id in self._queues_of(agent)
        )
