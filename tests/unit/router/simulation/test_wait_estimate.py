"""Estimated waits against the waits of the engine: 8 of 10 lie in the interval, whatever durations are like."""

import statistics
from random import Random

import pytest

from services.router.domain.wait_estimate import Handled, wait_estimate
from shared.vocabulary import Priority
from tests.unit.router.simulation.floor import Floor, Served, Service, Stream, call, exponential, setup, staff

pytestmark = pytest.mark.timeout(3_600)

AGENTS = 10


def even(random: Random, _stream: str, _agent: str) -> float:
    """Four stages: durations differ by half of their mean."""
    return random.gammavariate(4, 1 / 4)


def uneven(random: Random, _stream: str, _agent: str) -> float:
    """Some take a moment and some take long: the squared coefficient of variation is 2.33."""
    return random.expovariate(1 / 2.0 if random.random() < 1 / 3 else 2.0)


def coverage(served: list[Served], variability: float, higher: float = 0.0) -> tuple[float, float]:
    """Of those who had to wait: the share within the interval, and the mean wait by the mean estimate."""
    waits, within = [], []
    handled = Handled(count=500, mean_s=1, deviation_s=variability**0.5)
    for each in served:
        if each.wait > 0:
            estimate = wait_estimate(each.ahead + 1, AGENTS, handled, higher)
            assert estimate is not None
            waits.append((each.wait, estimate.mean_s))
            within.append(estimate.low_s <= each.wait <= estimate.high_s)
    return statistics.fmean(within), sum(wait for wait, _ in waits) / sum(mean for _, mean in waits)


@pytest.mark.parametrize(
    ("service", "variability", "least", "most"),
    [(exponential(1), 1.0, 0.77, 0.83), (even, 0.25, 0.78, 0.9), (uneven, 7 / 3, 0.78, 0.9)],
    ids=["exponential", "even", "uneven"],
)
def test_eight_of_ten_waits_lie_in_the_interval(
    service: Service, variability: float, least: float, most: float
) -> None:
    """Ten agents, nine of ten minutes busy. The model is exact for exponential durations, else a little wide."""
    streams = [Stream(name="all", rate=9, facts=call())]
    found = [Floor(setup(staff(AGENTS)), streams, service, seed=seed).run(4_000) for seed in (1, 2)]
    share, bias = coverage([each for outcome in found for each in outcome.served], variability)
    assert least < share < most
    assert 0.9 < bias < 1.1


def test_whoever_comes_behind_a_higher_class_waits_longer_and_is_told_so() -> None:
    """Four of ten agents' time goes to urgent contacts, which come first whenever they come."""
    streams = [
        Stream(name="high", rate=4, facts=call(Priority.URGENT)),
        Stream(name="low", rate=5, facts=call(Priority.LOW)),
    ]
    found = [Floor(setup(staff(AGENTS)), streams, exponential(1), seed=seed).run(4_000) for seed in (1, 2, 3)]
    low = [each for outcome in found for each in outcome.served if each.stream == "low"]
    share, bias = coverage(low, 1.0, 0.4)
    assert 0.78 < share < 0.9
    assert 0.85 < bias < 1.15
