"""The cells of a local day."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.app.today import Today
from services.metrics.domain.fact import BUCKET, WHOLE, FactKind
from services.metrics.domain.rollup import EMPTY, Cell, Series, merged

START = datetime(2026, 11, 21, tzinfo=UTC)
SERIES = Series(WHOLE, FactKind.OPENED, "")


@given(
    st.lists(
        st.tuples(st.integers(-5, 20), st.lists(st.integers(0, 10**9), max_size=150), st.booleans()), max_size=30
    )
)
def test_the_total_is_that_of_todays_cells_however_they_came(steps: list[tuple[int, list[int], bool]]) -> None:
    today = Today(START)
    model: dict[int, Cell] = {}
    for index, values, is_read in steps:
        assert today.put(SERIES, START + index * BUCKET, Cell.of(values)) == (index >= 0)
        model[index] = Cell.of(values)
        if is_read:
            assert today.total(SERIES) == merged([cell for at, cell in model.items() if at >= 0])
    assert today.total(SERIES) == merged([cell for at, cell in model.items() if at >= 0])


def test_another_day_forgets_and_another_zone_finds_its_cells() -> None:
    today = Today(START)
    for hours in (-3, 1):
        today.put(SERIES, START + timedelta(hours=hours), Cell.of([7]))
    assert today.total(SERIES).count == 1
    assert today.begin(START - timedelta(hours=5), START + timedelta(hours=2)) == [SERIES]
    assert today.total(SERIES).count == 2
    today.begin(START + timedelta(days=1), START + timedelta(days=1))
    assert today.total(SERIES) == EMPTY
    today.begin(START - timedelta(hours=5), START + timedelta(days=1))
    assert today.total(SERIES).count == 1
