"""Cells are functions of their values, whatever the way there."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.fact import MILLION, bucket_of
from services.metrics.domain.rollup import EMPTY, EXACT_BELOW, Cell, corrected, merged

VALUE = st.integers(min_value=0, max_value=10**12)
FEW = st.lists(VALUE, max_size=120)
MANY = st.lists(st.integers(min_value=0, max_value=50).map(lambda n: n * MILLION), max_size=400)


@given(st.lists(FEW, max_size=6))
def test_merged_cells_are_the_cell_of_all_values(groups: list[list[int]]) -> None:
    whole = Cell.of(value for group in groups for value in group)
    assert merged([Cell.of(group) for group in groups]) == whole
    assert merged([Cell.of(group) for group in reversed(groups)]) == whole


@given(MANY, FEW, st.data())
def test_a_corrected_cell_is_the_cell_of_what_is_left(
    start: list[int], added: list[int], data: st.DataObject
) -> None:
    removed = data.draw(st.permutations(start)).copy()[: data.draw(st.integers(0, len(start)))]
    left = list(start)
    for value in removed:
        left.remove(value)
    cell = corrected(Cell.of(start), added, removed)
    # None: it has to be counted anew from its facts.
    assert cell is None or cell == Cell.of([*left, *added])


@given(FEW, st.lists(VALUE, min_size=1, max_size=5))
def test_a_value_that_moves_within_a_cell_changes_nothing(values: list[int], moving: list[int]) -> None:
    cell = Cell.of([*values, *moving])
    assert corrected(cell, moving, moving) in (cell, None)


def test_few_values_are_exact_and_many_are_within_one_percent() -> None:
    few = [n * MILLION for n in range(1, EXACT_BELOW)]
    assert Cell.of(few).quantile(0.9) == 89.0
    many = [n * MILLION for n in range(1, EXACT_BELOW + 1)]
    assert abs(Cell.of(many).quantile(0.9) - 90.0) <= 0.9
    assert Cell.of(many).values is None


def test_taking_out_an_extreme_of_many_needs_a_new_count() -> None:
    cell = Cell.of(range(200))
    assert corrected(cell, [], [0]) is None
    assert corrected(cell, [], [199]) is None
    assert corrected(cell, [], [100]) == Cell.of([*range(100), *range(101, 200)])


def test_falling_below_the_exact_limit_needs_a_new_count() -> None:
    assert corrected(Cell.of(range(EXACT_BELOW)), [], [50]) is None


def test_what_a_cell_never_had_needs_a_new_count() -> None:
    assert corrected(Cell.of([1, 2]), [], [3]) is None
    assert corrected(Cell.of(range(200)), [], [10**9]) is None
    assert corrected(EMPTY, [], [1]) is None


def test_buckets_begin_at_whole_quarters_of_an_hour() -> None:
    assert bucket_of(datetime(2026, 3, 29, 1, 14, 59, 999999, tzinfo=UTC)) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert bucket_of(datetime(2026, 3, 29, 1, 15, tzinfo=UTC)) == datetime(2026, 3, 29, 1, 15, tzinfo=UTC)
