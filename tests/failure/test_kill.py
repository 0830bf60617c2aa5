"""SIGKILL of each service while messages come in. Its supervisor starts it again."""

from tests.failure.fleet import Fleet
from tests.failure.load import Load, under_fault
from tests.failure.truth import Truth
from tests.failure.verdict import must_hold
from tests.system import BUILDS


async def test_services_that_are_killed_lose_no_ticket_and_double_none(fleet: Fleet, truth: Truth) -> None:
    restarts = fleet.restarts
    retried = []

    async def fault(load: Load) -> None:
        for number, victim in enumerate(BUILDS):
            await load.reached((number + 1) / (len(BUILDS) + 1))
            retried.append(load.retried)
            await fleet.kill(victim)
            assert len(load.sent) < load.count

    load = await under_fault(fleet, fault)
    await must_hold(fleet, truth, load)
    assert fleet.restarts == restarts + len(BUILDS)
    # Only intake's clients notice anything.
    assert BUILDS[0] == "intake"
    assert retried[1] > 0
    assert load.retried == retried[1]
