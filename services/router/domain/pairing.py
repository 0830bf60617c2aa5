"""Many waiting items and many agents with room at once: who gets what is decided for all of them together.

One by one, an item may take the only agent whom the next one could have had: on random instances in which
each agent may serve a fifth of the items, that strands some although everybody could have been served. So:

- Which items are served: in order, each one that can be served beside those before it, whoever has to be
  given what for that (augmenting paths). No item is passed over for one behind it, and no larger set exists:
  sets of items that can be served together are a transversal matroid, on which this greedy choice is optimal.
- Who gets them: least cost over the eligible pairs, an assignment problem that a `Solver` computes.

This is the mathematics of it, which knows rows, agents by number, and costs; `batch` makes them of a workspace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

MOST_PAIRS = 60_000

SCALE = 1_000_000
"""What a cost of 1 is as an integer."""


@dataclass(frozen=True, slots=True)
class Group:
    """Items that the same agents may get.

    agents: their numbers, in ranking order; costs: of each, scaled, at weight 1; not negative
    """

    agents: Sequence[int]
    costs: Sequence[int]


@dataclass(frozen=True, slots=True)
class Row:
    """One item: its group, how much its costs weigh, whom it would rather have, and what that saves.

    blocks: where it is not served nobody behind it is: it could have others than those of its group
    """

    group: int
    weight: float = 1.0
    sticky: int | None = None
    saves: int = 0
    blocks: bool = False


class Method(StrEnum):
    """How it was decided who gets what."""

    ONE_BY_ONE = "one_by_one"
    AUGMENTING = "augmenting"
    LEAST_COST = "least_cost"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Who gets what.

    agents: for each row the agent's number, None where it is not served; cost: of all pairs, unscaled
    """

    agents: tuple[int | None, ...]
    cost: float
    method: Method

    @property
    def served(self) -> int:
        """How many items get an agent."""
        return sum(number is not None for number in self.agents)


class Solver(Protocol):
    """Solves assignment problems."""

    def solve(self, groups: Sequence[Group], rows: Sequence[Row]) -> Sequence[int] | None:
        """The agent of each row such that the whole costs least, all rows served and no agent twice.

        None where it cannot: then one by one decides.
        """
        ...


def augmented(groups: Sequence[Group], rows: Sequence[Row]) -> list[int | None]:
    """Serves rows in order, as many as can be: by the ranking, moving agents between rows where it must.

    Rows of one group are as good as one another, so paths are searched over groups, not rows.
    """
    holders: dict[int, int] = {}
    next_of = [0] * len(groups)
    exhausted: set[int] = set()
    serves = [False] * len(rows)
    for at, row in enumerate(rows):
        serves[at] = _augment(row.group, groups, holders, next_of, exhausted)
        if row.blocks and not serves[at]:
            break
    held: list[list[int]] = [[] for _ in groups]
    for number, holder in holders.items():
        held[holder].append(number)
    for group, numbers in zip(groups, held, strict=True):
        numbers.sort(key=group.agents.index, reverse=True)
    return [held[row.group].pop() if is_served else None for row, is_served in zip(rows, serves, strict=True)]


def _augment(
    start: int, groups: Sequence[Group], holders: dict[int, int], next_of: list[int], exhausted: set[int]
) -> bool:
    """Gives the group one agent more.

    Where that cannot be, neither can it ever for any group looked at on the way: together they hold every agent
    that any of them may have.

    next_of: the place up to which each group's agents have been found taken
    """
    if start in exhausted:
        return False
    came_from: dict[int, tuple[int, int]] = {}
    seen = {start}
    frontier = [start]
    for group in frontier:
        agents = groups[group].agents
        at = next_of[group]
        while at < len(agents) and agents[at] in holders:
            at += 1
        next_of[group] = at
        if at < len(agents):
            _hand_on(agents[at], group, came_from, holders)
            return True
        for number in agents:
            other = holders[number]
            if other not in seen:
                seen.add(other)
                came_from[other] = (group, number)
                frontier.append(other)
    exhausted |= seen
    return False


def _hand_on(free: int, group: int, came_from: dict[int, tuple[int, int]], holders: dict[int, int]) -> None:
    """The group takes the free agent, and gives one of its own to the group that asked it."""
    while group in came_from:
        holders[free] = group
        group, free = came_from[group]
    holders[free] = group


def one_by_one(groups: Sequence[Group], rows: Sequence[Row]) -> Pairs:
    """What deciding one by one does: each row in order gets whom it would rather have, or the first in rank."""
    used: set[int] = set()
    next_of = [0] * len(groups)
    chosen: list[int | None] = []
    for row in rows:
        group = groups[row.group]
        if row.sticky is not None and row.sticky not in used:
            found: int | None = row.sticky
        else:
            at = next_of[row.group]
            while at < len(group.agents) and group.agents[at] in used:
                at += 1
            next_of[row.group] = at
            found = group.agents[at] if at < len(group.agents) else None
        if found is not None:
            used.add(found)
        chosen.append(found)
    return Pairs(tuple(chosen), cost_of(groups, rows, chosen), Method.ONE_BY_ONE)


def together(groups: Sequence[Group], rows: Sequence[Row], solver: Solver) -> Pairs:
    """Who gets what for all rows together: as many as can be served, in order, at least cost where feasible."""
    chosen = augmented(groups, rows)
    served = [row for row, agent in zip(rows, chosen, strict=True) if agent is not None]
    cheapest = solver.solve(groups, served) if is_tractable(groups, served) else None
    if cheapest is None:
        return Pairs(tuple(chosen), cost_of(groups, rows, chosen), Method.AUGMENTING)
    agents = iter(cheapest)
    best = [next(agents) if agent is not None else None for agent in chosen]
    return Pairs(tuple(best), cost_of(groups, rows, best), Method.LEAST_COST)


def blocked_at(rows: Sequence[Row], pairs: Pairs) -> int:
    """How many rows come before the first that is not served and blocks those behind it."""
    served = zip(rows, pairs.agents, strict=True)
    return next((at for at, (row, agent) in enumerate(served) if row.blocks and agent is None), len(rows))


def is_tractable(groups: Sequence[Group], rows: Sequence[Row]) -> bool:
    """Whether least cost is found in time: many rows that all cost the same are the algorithm's worst case.

    Measured: with 60,000 eligible pairs at most 30 ms; with more, 40 ms where each of 1,000 rows may have others
    (200,000 pairs), but 100 ms in 50 groups and 800 ms in one. Where so many ask for the same, the ranking of
    their queue is as good an answer.
    """
    return 2 * len(groups) >= len(rows) or sum(len(groups[row.group].agents) for row in rows) <= MOST_PAIRS


def cost_of(groups: Sequence[Group], rows: Sequence[Row], chosen: Sequence[int | None]) -> float:
    """What these pairs cost, unscaled."""
    total = 0.0
    for row, agent in zip(rows, chosen, strict=True):
        if agent is not None:
            group = groups[row.group]
            total += row.weight * group.costs[group.agents.index(agent)]
            total -= row.saves if agent == row.sticky else 0
    return total / SCALE
