"""The broker or the database ends and comes back while messages come in."""

import asyncio

from tests.failure.fleet import Fleet
from tests.failure.load import Load, under_fault
from tests.failure.truth import Truth
from tests.failure.verdict import must_hold


async def test_a_killed_broker_loses_no_ticket_and_doubles_none(fleet: Fleet, truth: Truth) -> None:
    restarts = fleet.restarts

    async def fault(load: Load) -> None:
        await load.reached(0.3)
        await asyncio.to_thread(fleet.stack.kafka.kill)
        accepted = len(load.sent)
        await load.reached(accepted / load.count + 0.1)
        await asyncio.to_thread(fleet.stack.kafka.start)

    load = await under_fault(fleet, fault)
    await must_hold(fleet, truth, load)
    # Nobody who sends notices, and nobody has to be started again.
    assert load.retried == 0
    assert fleet.restarts == restarts


async def test_a_database_that_is_shut_down_at_once_loses_no_ticket_and_doubles_none(
    fleet: Fleet, truth: Truth
) -> None:
    restarts = fleet.restarts

    async def fault(load: Load) -> None:
        await load.reached(0.3)
        server = fleet.stack.postgres.child
        assert server is not None
        fleet.stack.postgres.hurry()
        await asyncio.to_thread(server.ended.wait)
        assert len(load.sent) < load.count
        await asyncio.to_thread(fleet.stack.postgres.start)

    load = await under_fault(fleet, fault)
    await must_hold(fleet, truth, load)
    assert load.retried > 0
    assert fleet.restarts == restarts
