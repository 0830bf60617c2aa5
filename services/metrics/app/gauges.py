"""What there is now: tickets in the backlog, tickets that wait, agents; counted by state and scope."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from uuid import UUID

from services.metrics.domain.agent import Presence, TrackedAgent
from services.metrics.domain.fact import WHOLE, Dimension, Place, Scope
from services.metrics.domain.kpi import Population
from services.metrics.domain.tracked import Standing

_WAITS = "waiting"
_SPARE_ENTRIES = 64

Touch = Callable[[Scope, str], None]
"""Is told a scope, and what changed in it."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A ticket that waits. `stamp` tells its entries from those of its earlier waits."""

    stamp: int
    since: datetime
    scopes: tuple[Scope, ...]


class Gauges:
    """The populations of one workspace."""

    def __init__(self, touch: Touch) -> None:
        self._touch = touch
        self._counts: defaultdict[tuple[Population, Scope], Counter[str]] = defaultdict(Counter)
        self._waiting: dict[UUID, _Waiting] = {}
        self._by_wait: defaultdict[Scope, list[tuple[datetime, int, UUID]]] = defaultdict(list)
        self._agents: dict[str, TrackedAgent] = {}
        self._roster: frozenset[str] = frozenset()
        self._stamps = count()

    def configure(self, roster: frozenset[str]) -> None:
        """Who there is, whether heard of or not."""
        self._roster = roster

    def present(self, scope: Scope, population: Population, states: frozenset[str] | None) -> int:
        """How many members of a scope are in these states, or in any."""
        counts = self._counts.get((population, scope), Counter[str]())
        present = sum(number for state, number in counts.items() if states is None or state in states)
        if population is Population.AGENTS and (states is None or Presence.OFFLINE in states):
            present += len(self._unheard(scope))
        return present

    def oldest_wait(self, scope: Scope) -> datetime | None:
        """Since when the first of a scope has waited."""
        entries = self._by_wait.get(scope, [])
        while entries and not self._is_waiting(entries[0]):
            heapq.heappop(entries)
        return entries[0][0] if entries else None

    def scopes_with_waiting(self) -> Iterator[Scope]:
        """The scopes in which time makes a difference."""
        for (population, scope), counts in self._counts.items():
            if population is Population.WAITING and counts[_WAITS]:
                yield scope

    def add_backlog(self, place: Place, status: str, number: int) -> None:
        """Tickets in the backlog, many at once."""
        self._count(Population.BACKLOG, place.scopes(), status, number)

    def move(self, ticket_id: UUID, before: Standing | None, after: Standing | None) -> None:
        """A ticket's part changed."""
        if before is not None and before.status is not None:
            self.add_backlog(before.place, before.status, -1)
        if after is not None and after.status is not None:
            self.add_backlog(after.place, after.status, 1)
        gone = self._waiting.pop(ticket_id, None)
        if gone is not None:
            self._count(Population.WAITING, gone.scopes, _WAITS, -1)
        if after is not None and after.waiting_since is not None:
            self._wait(ticket_id, after.place, after.waiting_since)

    def set_agent(self, agent: TrackedAgent) -> None:
        """An agent, as of now."""
        before = self._agents.get(agent.agent_id)
        if before is not None:
            self._count(Population.AGENTS, before.scopes(), before.presence, -1)
        self._agents[agent.agent_id] = agent
        self._count(Population.AGENTS, agent.scopes(), agent.presence, 1)

    def agents(self, scope: Scope, states: frozenset[str] | None) -> list[TrackedAgent]:
        """The agents of a scope in these states, by id; those of the roster of whom nothing was heard, too."""
        found = [
            agent
            for agent in self._agents.values()
            if scope in agent.scopes() and (states is None or agent.presence in states)
        ]
        if states is None or Presence.OFFLINE in states:
            found += [TrackedAgent(workspace_id="", agent_id=agent_id) for agent_id in self._unheard(scope)]
        return sorted(found, key=lambda agent: agent.agent_id)

    def _unheard(self, scope: Scope) -> Collection[str]:
        named = self._roster
        if scope.dimension is Dimension.AGENT:
            named = self._roster & {scope.member}
        elif scope != WHOLE:
            return ()
        return [agent_id for agent_id in named if not self._is_present(agent_id)]

    def _is_present(self, agent_id: str) -> bool:
        agent = self._agents.get(agent_id)
        return agent is not None and not agent.is_removed

    def _wait(self, ticket_id: UUID, place: Place, since: datetime) -> None:
        waiting = _Waiting(next(self._stamps), since, tuple(place.scopes()))
        self._waiting[ticket_id] = waiting
        for scope in waiting.scopes:
            heapq.heappush(self._by_wait[scope], (since, waiting.stamp, ticket_id))
            self._tidy(scope)
        self._count(Population.WAITING, waiting.scopes, _WAITS, 1)

    def _tidy(self, scope: Scope) -> None:
        """Drops entries of waits that are over, which one long wait at the top keeps in their place."""
        entries = self._by_wait[scope]
        if len(entries) > 2 * self._counts[Population.WAITING, scope][_WAITS] + _SPARE_ENTRIES:
            self._by_wait[scope] = [entry for entry in entries if self._is_waiting(entry)]
            heapq.heapify(self._by_wait[scope])

    def _is_waiting(self, entry: tuple[datetime, int, UUID]) -> bool:
        waiting = self._waiting.get(entry[2])
        return waiting is not None and waiting.stamp == entry[1]

    def _count(self, population: Population, scopes: Iterable[Scope], state: str, number: int) -> None:
        for scope in scopes:
            self._counts[population, scope][state] += number
            self._touch(scope, population)
