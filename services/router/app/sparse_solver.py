"""Solves assignment problems with scipy, which takes 0.25 s and 40 MB to load: only where it is needed."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from services.router.domain.pairing import MOST_PAIRS, Group, Row

_EXACT = 2.0**52
"""Up to here a float has every integer: sums along a path are exact, and equal costs are equal."""


class SparseSolver:
    """Implements `Solver`: the algorithm of Jonker and Volgenant over the eligible pairs alone."""

    def solve(self, groups: Sequence[Group], rows: Sequence[Row]) -> Sequence[int] | None:
        """The agent of each row such that the whole costs least; None where not all rows can be served.

        Where that leaves a choice, those are chosen whom the groups rank first, by the sum of their places, unless
        there are very many pairs; of equal rows the earlier have the first of them.
        """
        if not rows:
            return []
        agents = [np.asarray(group.agents, dtype=np.int32) for group in groups]
        costs = [np.asarray(group.costs, dtype=np.float64) for group in groups]
        # Adding the same to all costs of a row changes nothing, and an edge of cost 0 would be none.
        data = [np.rint(costs[row.group] * row.weight) + row.saves for row in rows]
        for row, values in zip(rows, data, strict=True):
            if row.sticky is not None:
                values[agents[row.group] == row.sticky] -= row.saves
        # All of an agent's place in the ranking weighs less than the least difference of costs. With very many
        # pairs that takes ten times as long, and whoever is chosen is as good.
        widest = max(map(len, agents)) if sum(map(len, data)) <= MOST_PAIRS else 1
        unit = max(1.0, np.ceil(max(values.max(initial=0) for values in data) * widest * len(rows) / _EXACT))
        places = np.arange(max(map(len, agents))) if widest > 1 else np.zeros(max(map(len, agents)))
        for values in data:
            values[:] = np.rint(values / unit) * widest + places[: len(values)] + 1.0
        indices = [agents[row.group] for row in rows]
        starts = np.concatenate(([0], np.cumsum([len(part) for part in indices])))
        width = 1 + max(int(part.max(initial=0)) for part in indices)
        if width < len(rows):
            return None
        pairs = csr_array((np.concatenate(data), np.concatenate(indices), starts), shape=(len(rows), width))
        try:
            found, chosen = min_weight_full_bipartite_matching(pairs)
        except ValueError:
            return None
        assert len(found) == len(rows)
        return _in_order(groups, rows, [int(agent) for agent in chosen])


def _in_order(groups: Sequence[Group], rows: Sequence[Row], chosen: list[int]) -> list[int]:
    """Of equal rows the earlier have whom their group ranks first."""
    alike: dict[Row, list[int]] = {}
    for number, row in enumerate(rows):
        alike.setdefault(row, []).append(number)
    for row, numbers in alike.items():
        if len(numbers) > 1:
            place = {agent: at for at, agent in enumerate(groups[row.group].agents)}
            had = sorted((chosen[number] for number in numbers), key=place.__getitem__)
            for number, agent in zip(numbers, had, strict=True):
                chosen[number] = agent
    return chosen
