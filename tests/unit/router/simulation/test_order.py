"""Who waits how long under which order: the engine against exact queueing results."""

from itertools import pairwise

import pytest

from services.router.domain.order import Order, OrderBy
from shared.vocabulary import Priority
from tests.unit.router.simulation.floor import (
    Floor,
    Outcome,
    Stream,
    call,
    exponential,
    holds,
    interval,
    runs,
    setup,
    staff,
    twice_as_fast,
)

pytestmark = pytest.mark.timeout(3_600)


def test_two_priorities_wait_as_the_exact_formula_says() -> None:
    """M/M/20 without preemption, 8 and 8 a minute of equal length (Cobham)."""
    streams = [
        Stream(name="high", rate=8, facts=call(Priority.HIGH)),
        Stream(name="low", rate=8, facts=call(Priority.LOW)),
    ]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(setup(staff(20)), streams, exponential(1), seed=seed).run(arrivals)

    found = runs(12, once, 4_000)
    high, low = ([each.mean_wait(name) for each in found] for name in ("high", "low"))
    assert holds(high, 0.021340)
    assert holds(low, 0.106699)
    assert holds([each.waited() for each in found], 0.256078)
    assert holds([each.mean_wait() for each in found], 0.064019), "no order changes the mean of equal lengths"
    assert not holds(high, 0.064019), "first come, first served could be told from it"
    assert interval(_differences(high, low))[0] > 0


def test_four_priorities_wait_as_the_exact_formula_says() -> None:
    """M/M/10 without preemption, 2 a minute of each priority."""
    exact = {
        Priority.URGENT: 0.051148,
        Priority.HIGH: 0.085246,
        Priority.NORMAL: 0.170492,
        Priority.LOW: 0.511475,
    }
    streams = [Stream(name=priority, rate=2, facts=call(priority)) for priority in exact]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(setup(staff(10)), streams, exponential(1), seed=seed).run(arrivals)

    found = runs(12, once, 2_000)
    waits = {priority: [each.mean_wait(priority) for each in found] for priority in exact}
    for priority, mean_wait in exact.items():
        assert holds(waits[priority], mean_wait), priority
    for sooner, later in pairwise(waits.values()):
        assert interval(_differences(sooner, later))[0] > 0, "each priority can be told from the next"
    assert holds([each.waited() for each in found], 0.409180)
    assert holds([each.mean_wait() for each in found], 0.204590)


def test_one_line_waits_as_erlang_c_says() -> None:
    """M/M/10 with a load of 8."""
    streams = [Stream(name="all", rate=8, facts=call())]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(setup(staff(10)), streams, exponential(1), seed=seed).run(arrivals)

    found = runs(12, once, 1_500)
    assert holds([each.waited() for each in found], 0.409180)
    assert holds([each.mean_wait() for each in found], 0.204590)


def test_with_little_room_to_wait_as_many_are_turned_away_as_erlang_says() -> None:
    """M/M/15 with five places to wait and a load of 14; who waits is counted among those let in."""
    streams = [Stream(name="all", rate=14, facts=call())]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(setup(staff(15)), streams, exponential(1), seed=seed, room=5).run(arrivals)

    found = runs(12, once, 1_500)
    assert holds([each.blocked / each.arrived for each in found], 0.065270)
    assert holds([each.waited() for each in found], 0.431471)


def test_a_promise_that_is_used_up_at_once_is_as_good_as_a_priority() -> None:
    """The same contacts: who is promised an answer in a minute comes before who is promised one in two years."""
    rates = {"high": 8, "low": 8}
    by_priority = [Stream(name=name, rate=rate, facts=call(Priority(name))) for name, rate in rates.items()]
    by_promise = [
        Stream(name=name, rate=rate, facts=call(), promise=1 if name == "high" else 1e6)
        for name, rate in rates.items()
    ]
    urgency = setup(staff(20), order=Order(by=OrderBy.SLA_URGENCY))
    for seed in range(1, 4):
        one = Floor(setup(staff(20)), by_priority, exponential(1), seed=seed).run(3_000)
        other = Floor(urgency, by_promise, exponential(1), seed=seed).run(3_000)
        assert one.served == other.served


def test_the_line_is_shortest_with_the_faster_class_first() -> None:
    """One agent, .6 contacts a minute of half a minute and .3 of one: exact for each order (Cobham)."""

    def lines(fast: Priority, slow: Priority, by: OrderBy) -> list[float]:
        streams = [
            Stream(name="fast", rate=0.6, facts=call(fast)),
            Stream(name="slow", rate=0.3, facts=call(slow)),
        ]
        alone = setup(staff(1), order=Order(by=by))

        def once(seed: int, arrivals: int) -> Outcome:
            return Floor(alone, streams, twice_as_fast, seed=seed).run(arrivals)

        return [each.line() for each in runs(12, once, 1_500)]

    fast_first = lines(Priority.HIGH, Priority.LOW, OrderBy.PRIORITY)
    as_they_come = lines(Priority.HIGH, Priority.LOW, OrderBy.OLDEST)
    slow_first = lines(Priority.LOW, Priority.HIGH, OrderBy.PRIORITY)
    assert holds(fast_first, 0.867857)
    assert holds(as_they_come, 1.012500)
    assert holds(slow_first, 1.157143)
    for fewer, more in ((fast_first, as_they_come), (as_they_come, slow_first)):
        saved = _differences(fewer, more)
        assert holds(saved, 0.144643)
        assert interval(saved)[0] > 0, "of the same contacts fewer wait"


def _differences(one: list[float], other: list[float]) -> list[float]:
    """By how much runs of the same seeds differ."""
    return [after - before for before, after in zip(one, other, strict=True)]


def test_the_interval_is_that_of_student() -> None:
    assert holds([1.0, 2.0, 3.0, 4.0], 2.5)
    assert not holds([1.0, 1.1, 0.9, 1.0], 2.0)
