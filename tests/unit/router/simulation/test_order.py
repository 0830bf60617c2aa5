"""Who waits how long under which order: the engine against exact queueing results."""

import pytest

from shared.vocabulary import Priority
from tests.unit.router.simulation.floor import Floor, Outcome, Stream, call, exponential, holds, runs, setup, staff


def test_two_priorities_wait_as_the_exact_formula_says() -> None:
    """M/M/20 without preemption, 8 and 8 a minute of equal length (Cobham)."""
    streams = [
        Stream(name="high", rate=8, facts=call(Priority.HIGH)),
        Stream(name="low", rate=8, facts=call(Priority.LOW)),
    ]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(setup(staff(20)), streams, exponential(1), seed=seed).run(arrivals)

    found = runs(10, once, 10_000)
    high, low = ([each.mean_wait(name) for each in found] for name in ("high", "low"))
    assert holds(high, 0.021340)
    assert holds(low, 0.106699)
    assert holds([each.waited() for each in found], 0.256078)
    assert holds([each.mean_wait() for each in found], 0.064019), "no order changes the mean of equal lengths"
    assert not holds(high, 0.064019), "first come, first served could be told from it"
    assert not holds(low, 0.064019)


def test_one_line_waits_as_erlang_c_says() -> None:
    """M/M/10 with a load of 8."""
    streams = [Stream(name="all", rate=8, facts=call())]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(setup(staff(10)), streams, exponential(1), seed=seed).run(arrivals)

    found = runs(10, once, 3_000)
    assert holds([each.waited() for each in found], 0.409180)
    assert holds([each.mean_wait() for each in found], 0.204590)


def test_with_little_room_to_wait_as_many_are_turned_away_as_erlang_says() -> None:
    """M/M/15 with five places to wait and a load of 14; who waits is counted among those let in."""
    streams = [Stream(name="all", rate=14, facts=call())]

    def once(seed: int, arrivals: int) -> Outcome:
        return Floor(setup(staff(15)), streams, exponential(1), seed=seed, room=5).run(arrivals)

    found = runs(10, once, 3_000)
    assert holds([each.blocked / each.arrived for each in found], 0.065270)
    assert holds([each.waited() for each in found], 0.431471)


def test_the_interval_is_that_of_student() -> None:
    assert holds([1.0, 2.0, 3.0, 4.0], 2.5)
    assert not holds([1.0, 1.1, 0.9, 1.0], 2.0)


pytestmark = pytest.mark.timeout(600)
