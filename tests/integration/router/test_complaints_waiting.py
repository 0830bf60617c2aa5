"""What users of other systems complained about, and what happens here: work waits although somebody is free."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from deploy.local.stack import Stack
from shared.kafka.client import Producer
from shared.vocabulary import TicketStatus
from tests.eventually import eventually
from tests.integration.router.crowd import employ, given, waiting
from tests.integration.router.floor import Floor
from tests.system import Templates, start

PREFIX = "backlogs"
ONE_MAIL = {"capacity": 20}


async def test_b1_work_reaches_somebody_without_anyone_clicking(floor: Floor) -> None:
    """No automatic assignment: zammad#854, #1581; osTicket#3074, #2508; freescout#1388, #3121."""
    await employ(floor, ["ann", "bob"], offer_mode="auto", ranking="least_loaded")
    await floor.set_state("ann")
    await floor.set_state("bob")
    tickets = [str(await floor.open_ticket(name)) for name in ("first", "second", "third", "fourth")]

    async def have_two_each() -> bool:
        held = [[work["ticket_id"] for work in await floor.work(name)] for name in ("ann", "bob")]
        return [len(each) for each in held] == [2, 2] and sorted(held[0] + held[1]) == sorted(tickets)

    await eventually(have_two_each)


async def test_b1_what_came_while_nobody_was_there_reaches_the_first_who_is_back(floor: Floor) -> None:
    """No automatic assignment: freescout#3684, #4110; uvdesk/community-skeleton#349."""
    await employ(floor, ["ann"], offer_mode="auto")
    names = ["monday", "tuesday", "wednesday"]
    for name in names:
        await floor.open_ticket(name)
    await eventually(lambda: _wait(floor, len(names)))
    assert await given(floor, names) == []
    await floor.set_state("ann")
    assert [each.ticket for each in await given(floor, names)] == names
    assert len(await floor.work("ann")) == len(names)


async def test_b2_waiting_work_is_drained_oldest_first_the_moment_somebody_has_room(floor: Floor) -> None:
    """Waiting work not drained oldest-first: chatwoot#10376, #10685."""
    await employ(floor, ["ann"], of_agents=ONE_MAIL, offer_mode="auto")
    await floor.set_state("ann")
    names = [f"t{number}" for number in range(6)]
    for name in names:
        await floor.open_ticket(name)
    await eventually(lambda: _wait(floor, len(names) - 1))
    for left, name in zip((4, 3, 2, 1, 0), names, strict=False):
        await floor.set_status(name, TicketStatus.OPEN, TicketStatus.SOLVED)
        await eventually(partial(_wait, floor, left))
    passed_on = await given(floor, names)
    assert [each.ticket for each in passed_on] == names
    # The same commit that ends one hands out the next: nothing looks for work from time to time.
    freed_at = [await _completed_at(floor, name) for name in names[:-1]]
    assert [each.decided_at for each in passed_on[1:]] == freed_at


async def test_b2_a_backlog_is_drained_oldest_first_after_a_restart(
    stack: Stack, templates: Templates, tmp_path: Path, producers: Callable[[str], Producer]
) -> None:
    """Waiting work not drained oldest-first: chatwoot#13050."""
    async with start(stack, ("router",), prefix=PREFIX, templates=templates, folder=tmp_path) as system:
        floor = await Floor.open(system, producers(PREFIX), "acme")
        await employ(floor, ["ann"], of_agents=ONE_MAIL, offer_mode="auto")
        await floor.set_state("ann")
        for name in ("in-hand", "first", "second"):
            await floor.open_ticket(name)
        await eventually(lambda: _wait(floor, 2))
        databases = system.databases
    await floor.open_ticket("came-meanwhile")
    await floor.set_status("in-hand", TicketStatus.OPEN, TicketStatus.SOLVED)
    async with start(
        stack, ("router",), prefix=PREFIX, templates=templates, folder=tmp_path, databases=databases
    ) as again:
        floor.http = await again.http("router", "acme")
        for left, name in ((2, "first"), (1, "second"), (0, "came-meanwhile")):
            await eventually(partial(_wait, floor, left))
            await floor.set_status(name, TicketStatus.OPEN, TicketStatus.SOLVED)
        drained = await given(floor, ["came-meanwhile", "second", "first"])
        assert [each.ticket for each in drained] == ["first", "second", "came-meanwhile"]


async def _completed_at(floor: Floor, name: str) -> str:
    return next(str(made["decided_at"]) for made in await floor.decisions(name) if made["kind"] == "WorkCompleted")


async def _wait(floor: Floor, count: int) -> bool:
    return await waiting(floor) == count
