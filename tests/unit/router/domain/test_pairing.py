"""Which items are served together, and by whom."""

from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.router.app.sparse_solver import SparseSolver
from services.router.domain.pairing import (
    SCALE,
    Group,
    Method,
    Row,
    augmented,
    blocked_at,
    cost_of,
    one_by_one,
    together,
)

AGENTS = 5


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Group], list[Row]]:
    groups = []
    for agents in draw(st.lists(st.lists(st.sampled_from(range(AGENTS)), unique=True), min_size=1, max_size=4)):
        costs = draw(st.lists(st.integers(1, 5 * SCALE), min_size=len(agents), max_size=len(agents)))
        groups.append(Group(agents, costs))
    rows = []
    for number in draw(st.lists(st.sampled_from(range(len(groups))), max_size=6)):
        group = groups[number]
        sticky = draw(st.none() | st.sampled_from(group.agents)) if group.agents else None
        saves = draw(st.integers(0, SCALE)) if sticky is not None else 0
        rows.append(Row(number, draw(st.sampled_from([1.0, 1.5, 2.0])), sticky, saves))
    return groups, rows


def can_all_be_served(groups: list[Group], rows: list[Row]) -> bool:
    """By trying every way."""
    return any(
        all(agent in groups[row.group].agents for row, agent in zip(rows, way, strict=True))
        for way in permutations(range(AGENTS), len(rows))
    )


def least_cost(groups: list[Group], rows: list[Row]) -> float:
    """Of all ways of serving every row."""
    return min(
        cost_of(groups, rows, way)
        for way in permutations(range(AGENTS), len(rows))
        if all(agent in groups[row.group].agents for row, agent in zip(rows, way, strict=True))
    )


@given(problems())
def test_a_row_is_served_where_it_can_be_beside_those_before_it(problem: tuple[list[Group], list[Row]]) -> None:
    groups, rows = problem
    chosen = augmented(groups, rows)
    served: list[Row] = []
    for row, agent in zip(rows, chosen, strict=True):
        assert (agent is not None) == can_all_be_served(groups, [*served, row])
        if agent is not None:
            assert agent in groups[row.group].agents
            served.append(row)
    given_out = [agent for agent in chosen if agent is not None]
    assert len(set(given_out)) == len(given_out)


@given(problems())
@settings(max_examples=200)
def test_the_whole_costs_the_least_that_it_can(problem: tuple[list[Group], list[Row]]) -> None:
    groups, rows = problem
    pairs = together(groups, rows, SparseSolver())
    served = [row for row, agent in zip(rows, pairs.agents, strict=True) if agent is not None]
    serves = [agent is not None for agent in augmented(groups, rows)]
    assert [agent is not None for agent in pairs.agents] == serves
    assert pairs.method is Method.LEAST_COST
    assert pairs.cost == pytest.approx(least_cost(groups, served), abs=1e-5)


def random_problem(size: int, share: float, seed: int) -> tuple[list[Group], list[Row]]:
    """Items and agents, each of which may serve such a share of the items."""
    random = Random(seed)
    groups = []
    for _ in range(size):
        agents = [number for number in range(size) if random.random() < share]
        groups.append(Group(agents, [random.randrange(1, SCALE) for _ in agents]))
    return groups, [Row(number) for number in range(size)]


@pytest.mark.parametrize("size", [100, 500])
def test_nothing_is_stranded_that_one_by_one_strands(size: int) -> None:
    groups, rows = random_problem(size, 0.2, seed=4)
    assert one_by_one(groups, rows).served < size
    both = together(groups, rows, SparseSolver())
    assert both.served == size
    assert both.method is Method.LEAST_COST


def test_many_rows_that_cost_the_same_are_not_handed_to_the_solver() -> None:
    group = Group(list(range(400)), [SCALE] * 400)
    pairs = together([group], [Row(0)] * 400, SparseSolver())
    assert (pairs.method, pairs.served) == (Method.AUGMENTING, 400)


def test_a_solver_that_cannot_leaves_the_choice_to_the_ranking() -> None:
    class Helpless:
        def solve(self, groups: object, rows: object) -> None:
            return None

    pairs = together([Group([1, 0], [5, 5])], [Row(0), Row(0)], Helpless())
    assert (pairs.method, pairs.agents) == (Method.AUGMENTING, (1, 0))


def test_nobody_is_served_behind_a_row_that_waits_for_others() -> None:
    groups = [Group([0], [1]), Group([1], [1])]
    rows = [Row(0, blocks=True), Row(0, blocks=True), Row(1)]
    pairs = together(groups, rows, SparseSolver())
    assert pairs.agents == (0, None, None)
    assert blocked_at(rows, pairs) == 1


@given(st.permutations(range(6)), st.integers(1, 6))
def test_which_number_an_agent_has_decides_nothing(numbers: list[int], count: int) -> None:
    """Of one cost all of them, in two groups that rank them alike: earlier rows have whom that puts first."""
    groups = [Group(numbers, [SCALE] * 6), Group(numbers[:count], [SCALE] * count)]
    rows = [Row(1)] * count + [Row(0)] * (6 - count)
    assert list(SparseSolver().solve(groups, rows) or ()) == numbers
