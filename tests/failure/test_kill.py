"""SIGKILL of a service while messages come in. Its supervisor starts it again."""

import pytest

from tests.failure.fleet import Fleet
from tests.failure.load import Load, under_fault
from tests.failure.truth import Truth
from tests.failure.verdict import must_hold
from tests.system import BUILDS


@pytest.mark.parametrize("victim", BUILDS)
async def test_a_killed_service_loses_no_ticket_and_doubles_none(fleet: Fleet, truth: Truth, victim: str) -> None:
    restarts = fleet.restarts

    async def fault(load: Load) -> None:
        await load.reached(0.3)
        await fleet.kill(victim)
        assert len(load.sent) < load.count

    load = await under_fault(fleet, fault)
    await must_hold(fleet, truth, load)
    assert fleet.restarts == restarts + 1
    # Only intake's clients notice anything.
    assert (load.retried > 0) == (victim == "intake")
