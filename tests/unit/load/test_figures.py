import pytest

from tests.load.figures import Figure, number, percentile


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, 1), (0.5, 2), (0.51, 3), (0.75, 3), (0.99, 4), (1.0, 4)],
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(share: float, expected: int) -> None:
    assert percentile([4, 1, 3, 2], share) == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.01234, "0.0123"), (1.5, "1.50"), (23.456, "23.5"), (987.6, "988"), (12345.6, "12,346")],
)
def test_a_number_is_shown_with_three_significant_digits(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_figure_shows_its_median_and_its_extremes() -> None:
    figure = Figure("messages", "/s", [1200, 1000, 1500])

    assert figure.shown == "1,200 /s"
    assert figure.spread == "1,000 to 1,500"
