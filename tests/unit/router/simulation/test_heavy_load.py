"""Who waits how long under which order while nearly everybody is busy: needs a million arrivals (see conftest)."""

import pytest

from services.router.domain.configuration import Configuration
from services.router.domain.order import Order, OrderBy
from shared.vocabulary import Priority
from tests.unit.router.simulation.floor import (
    Floor,
    Outcome,
    Stream,
    call,
    exponential,
    holds,
    overlaps,
    runs,
    setup,
    staff,
    twice_as_fast,
)

pytestmark = pytest.mark.timeout(3_600)


def test_under_heavy_load_priorities_wait_as_the_exact_formula_says() -> None:
    """M/M/20 with 9 and 10 a minute."""
    streams = [
        Stream(name="high", rate=9, facts=call(Priority.HIGH)),
        Stream(name="low", rate=10, facts=call(Priority.LOW)),
    ]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(setup(staff(20)), streams, exponential(1), seed=seed).run(arrivals)

    found = runs(8, once, 15_000)
    assert holds([each.mean_wait("high") for each in found], 0.068673)
    assert holds([each.mean_wait("low") for each in found], 1.373457)
    assert holds([each.mean_wait() for each in found], 0.755401)


def test_under_heavy_load_waits_are_nearly_as_the_promises() -> None:
    """The V model: 9 and 10 a minute, targets 1:4, one line of 20. In the limit waits are 1:4 too."""
    streams = [
        Stream(name="soon", rate=9, facts=call(), promise=1),
        Stream(name="later", rate=10, facts=call(), promise=4),
    ]
    urgency = setup(staff(20), order=Order(by=OrderBy.SLA_URGENCY))

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(urgency, streams, exponential(1), seed=seed).run(arrivals)

    found = runs(8, once, 15_000)
    soon, later = ([each.mean_wait(name) for each in found] for name in ("soon", "later"))
    assert overlaps(soon, 0.347 * 0.87, 0.347 * 1.13)
    assert overlaps(later, 1.217 * 0.87, 1.217 * 1.13)
    assert overlaps([one / other for one, other in zip(soon, later, strict=True)], 0.27, 0.30)


@pytest.mark.parametrize(
    ("agents", "load", "waited", "mean_wait"),
    [
        (20, 18, 0.550769, 0.275385),
        (50, 45, 0.363864, 0.072773),
        (90, 84, 0.411957, 0.068660),
        (100, 95, 0.506457, 0.101291),
    ],
)
def test_under_heavy_load_one_line_waits_as_erlang_c_says(
    agents: int, load: int, waited: float, mean_wait: float
) -> None:
    streams = [Stream(name="all", rate=load, facts=call())]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(setup(staff(agents)), streams, exponential(1), seed=seed, first=load).run(arrivals)

    found = runs(12, once, 3_000)
    assert holds([each.waited() for each in found], waited)
    assert holds([each.mean_wait() for each in found], mean_wait)


def test_under_heavy_load_one_line_with_room_waits_as_the_exact_formula_says() -> None:
    """M/M/90/120: all six types of `test_ranking` in one line, ten minutes each, first come, first served."""
    streams = [Stream(name="all", rate=8.4, facts=call())]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(setup(staff(90)), streams, exponential(0.1), seed=seed, room=30, first=84).run(arrivals)

    found = runs(12, once, 3_000)
    assert holds([each.blocked / each.arrived for each in found], 0.003643)
    assert holds([each.waited() for each in found], 0.379706)
    assert holds([each.mean_wait() for each in found], 0.450023)
    assert holds([1 - each.waited(longer_than=0.5) for each in found], 0.732922)


def test_under_heavy_load_the_line_is_shortest_with_the_faster_class_first() -> None:
    """20 agents, 18 contacts a minute of half a minute and 10 of one; simulated values are +-13 %."""
    for fast, slow, by, expected in (
        (Priority.HIGH, Priority.LOW, OrderBy.PRIORITY, 10.98),
        (Priority.HIGH, Priority.LOW, OrderBy.OLDEST, 17.58),
        (Priority.LOW, Priority.HIGH, OrderBy.PRIORITY, 25.15),
    ):
        streams = [Stream(name="fast", rate=18, facts=call(fast)), Stream(name="slow", rate=10, facts=call(slow))]
        rules = setup(staff(20), order=Order(by=by))

        def once(
            seed: int, arrivals: int, streams: list[Stream] = streams, rules: Configuration = rules
        ) -> Outcome:
            return Floor(rules, streams, twice_as_fast, seed=seed).run(arrivals)

        found = [each.line() for each in runs(8, once, 15_000)]
        assert overlaps(found, expected * 0.87, expected * 1.13)
