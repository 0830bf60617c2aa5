"""What each queue has, items and agents: kept up to date with each commit, so that telling it counts nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.router.domain.agent import Agent
from services.router.domain.work_item import WorkItem
from shared.vocabulary import AgentState, WorkState

LIVE = frozenset({WorkState.QUEUED, WorkState.OFFERED, WorkState.ASSIGNED, WorkState.WRAPPING})


@dataclass(slots=True)
class Tally:
    """What stands in each queue.

    items: how many live ones in each state; stuck: how many of the queued ones have their last step open
    eligible: how many agents serve a queue; ready: how many of them have room now
    """

    items: Counter[tuple[str, WorkState]] = field(default_factory=Counter)
    stuck: Counter[str] = field(default_factory=Counter)
    eligible: Counter[str] = field(default_factory=Counter)
    ready: Counter[str] = field(default_factory=Counter)
    _served: dict[str, tuple[frozenset[str], bool]] = field(default_factory=dict)

    def note_items(self, items: Iterable[WorkItem]) -> None:
        """Counts items as they stand now, live or ended; those that have not changed may be among them."""
        for item in items:
            before, now = item.counted, _standing(item)
            if before != now:
                self._count(before, -1)
                self._count(now, 1)
                item.counted = now

    def note_agent(self, agent_id: str, agent: Agent | None) -> None:
        """Counts an agent as they are now; none: one who is no more."""
        if (before := self._served.pop(agent_id, None)) is not None:
            self._serve(*before, by=-1)
        if agent is not None:
            self._served[agent_id] = now = (agent.profile.queues, _is_ready(agent))
            self._serve(*now, by=1)

    def _count(self, standing: tuple[str, WorkState, bool] | None, by: int) -> None:
        if standing is not None:
            queue, state, is_stuck = standing
            self.items[queue, state] += by
            self.stuck[queue] += by * is_stuck

    def _serve(self, queues: frozenset[str], is_ready: bool, *, by: int) -> None:
        for queue in queues:
            self.eligible[queue] += by
            self.ready[queue] += by * is_ready


def _standing(item: WorkItem) -> tuple[str, WorkState, bool] | None:
    if item.state not in LIVE:
        return None
    is_stuck = item.state is WorkState.QUEUED and 0 < item.step == len(item.steps)
    return item.requirements.queue, item.state, is_stuck


def _is_ready(agent: Agent) -> bool:
    return agent.is_on_duty and agent.state is AgentState.AVAILABLE and agent.used < agent.profile.capacity
