"""DDSketch against its vectors, against the library, and as an algebra."""

import pytest
from ddsketch import DDSketch
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.sketch import ALPHA, Sketch, estimate, index_of, rank_of

VALUES = st.lists(st.one_of(st.just(0.0), st.floats(min_value=1e-6, max_value=1e9)), min_size=1, max_size=300)
QUANTILES = st.sampled_from([0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0])


@pytest.mark.parametrize(
    ("value", "index", "estimated"), [(7.5, 101, 7.4634), (90, 225, 89.1303), (3600, 410, 3605.526)]
)
def test_published_vectors(value: float, index: int, estimated: float) -> None:
    assert index_of(value) == index
    assert estimate(index) == pytest.approx(estimated, rel=1e-5)


@given(VALUES, QUANTILES)
def test_a_quantile_is_within_one_percent_of_the_exact_one(values: list[float], quantile: float) -> None:
    exact = sorted(values)[int(rank_of(quantile, len(values)))]
    assert Sketch.of(values).quantile(quantile) == pytest.approx(exact, rel=ALPHA * 1.0001)


@given(VALUES, QUANTILES)
def test_it_agrees_with_the_library(values: list[float], quantile: float) -> None:
    oracle = DDSketch(relative_accuracy=ALPHA)
    for value in values:
        oracle.add(value)
    assert Sketch.of(values).quantile(quantile) == pytest.approx(
        oracle.get_quantile_value(quantile), rel=2 * ALPHA * 1.01
    )


@given(VALUES, VALUES, VALUES)
def test_merging_is_the_sketch_of_all_in_any_order(a: list[float], b: list[float], c: list[float]) -> None:
    one, two, three = Sketch.of(a), Sketch.of(b), Sketch.of(c)
    whole = Sketch.of([*a, *b, *c])
    assert one.plus(two).plus(three) == whole
    assert three.plus(one.plus(two)) == whole


@given(VALUES, VALUES)
def test_subtracting_undoes_adding(a: list[float], b: list[float]) -> None:
    assert Sketch.of(a).plus(Sketch.of(b)).minus(Sketch.of(b)) == Sketch.of(a)


def test_what_was_never_seen_cannot_be_taken_out() -> None:
    with pytest.raises(ValueError, match="not seen"):
        Sketch.of([1.0]).minus(Sketch.of([2.0]))
    with pytest.raises(ValueError, match="not seen"):
        Sketch.of([1.0]).minus(Sketch.of([0.0]))


def test_an_empty_sketch_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="empty"):
        Sketch().quantile(0.5)
