"""How long until an item is served."""

import pytest

from services.router.domain.wait_estimate import NO_WAIT, Handled, WaitEstimate, wait_estimate

SIX_MINUTES = Handled(count=100_000, mean_s=360, deviation_s=360)


def known(estimate: WaitEstimate | None) -> WaitEstimate:
    assert estimate is not None
    return estimate


@pytest.mark.parametrize(("higher", "minutes"), [(0.0, 1.8), (0.4, 3.0)])
def test_the_mean_is_the_formulas(higher: float, minutes: float) -> None:
    assert known(wait_estimate(3, 10, SIX_MINUTES, higher)).mean_s / 60 == pytest.approx(minutes)


def test_nothing_is_known_where_nobody_serves_or_nothing_was_handled() -> None:
    assert wait_estimate(3, 0, SIX_MINUTES) is None
    assert wait_estimate(3, 10, None) is None
    assert wait_estimate(3, 10, SIX_MINUTES, 1.0) is None, "all that anybody does comes before it"


@pytest.mark.parametrize(
    ("position", "low", "high"),
    [(1, 0.1054, 2.3026), (2, 0.5318, 3.8897), (5, 2.4326, 7.9936), (20, 14.5253, 25.9025)],
)
def test_of_exponential_durations_the_interval_is_that_of_the_gamma_distribution(
    position: int, low: float, high: float
) -> None:
    """Published quantiles of Erlang distributions, in stages."""
    found = known(wait_estimate(position, 10, SIX_MINUTES))
    assert found.low_s / 36 == pytest.approx(low, rel=0.08)
    assert found.high_s / 36 == pytest.approx(high, rel=0.015)


def test_the_interval_is_wider_the_less_is_known() -> None:
    few = known(wait_estimate(3, 10, Handled(count=2, mean_s=360, deviation_s=360)))
    one = known(wait_estimate(3, 10, Handled(count=1, mean_s=360, deviation_s=None)))
    many = known(wait_estimate(3, 10, SIX_MINUTES))
    assert one.low_s < few.low_s < many.low_s < many.mean_s < many.high_s < few.high_s < one.high_s


def test_durations_that_hardly_differ_make_long_lines_certain_and_short_ones_not() -> None:
    even = Handled(count=100_000, mean_s=360, deviation_s=18)
    long, first = (known(wait_estimate(position, 10, even)) for position in (1000, 1))
    assert (long.high_s - long.low_s) / long.mean_s < 0.04
    assert (first.high_s - first.low_s) / first.mean_s > 1.5


def test_what_comes_before_makes_it_longer_and_less_certain() -> None:
    without, behind = (known(wait_estimate(5, 10, SIX_MINUTES, share)) for share in (0.0, 0.5))
    assert behind.mean_s == pytest.approx(2 * without.mean_s)
    assert (behind.high_s - behind.low_s) / behind.mean_s > (without.high_s - without.low_s) / without.mean_s


def test_work_that_takes_no_time_is_not_waited_for() -> None:
    assert wait_estimate(3, 10, Handled(count=5, mean_s=0, deviation_s=0)) == NO_WAIT
