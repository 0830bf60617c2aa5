"""The auditor finds timers that nobody would fire, and mends them. Here it begins again five times a second."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from shared.db.unit_of_work import Tx
from shared.kafka.client import Producer
from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, Ear, target
from tests.scribe import uid
from tests.system import System, Templates, start

PREFIX = "audited"


@pytest.fixture(scope="module")
async def audited(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    folder = tmp_path_factory.mktemp(PREFIX)
    async with start(
        stack, ("escalation",), prefix=PREFIX, templates=templates, folder=folder, audit_every_s=0.2
    ) as system:
        yield system


@pytest.fixture
async def desk(audited: System, stack: Stack, workspace_id: str) -> AsyncIterator[Desk]:
    producer = Producer(stack.kafka.bootstrap, topic_prefix=PREFIX)
    try:
        async with Ear.open(stack.kafka.bootstrap, PREFIX) as ear:
            yield await Desk.open(audited, producer, ear, workspace_id)
    finally:
        await producer.close()


@asynccontextmanager
async def held(desk: Desk, ticket: str) -> AsyncIterator[None]:
    """Keeps everybody from a ticket, as a transaction that hangs does."""
    database = desk.system.services["escalation"].runtime.database
    is_held, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        locked = text("SELECT 1 FROM tracked_ticket WHERE workspace_id = :ws AND ticket_id = :ticket FOR UPDATE")
        found = {"ws": desk.workspace_id, "ticket": uid(desk.named(ticket))}
        assert (await tx.execute(locked, found)).one()
        is_held.set()
        await release.wait()

    holding = asyncio.create_task(database.transact(hold, workspaces=[desk.workspace_id]))
    await is_held.wait()
    try:
        yield
    finally:
        release.set()
        await holding


async def mistakes(desk: Desk, kind: str) -> float:
    registry = desk.system.services["escalation"].runtime.metrics.registry
    return registry.get_sample_value("waypost_timer_mistakes_total", {"kind": kind}) or 0


async def running(desk: Desk, ticket: str) -> datetime:
    """Opens a ticket that has an hour; when it is due."""
    desk.opened(ticket)
    await desk.tell()
    clock = await desk.clock(ticket, "first_reply", state="running")
    return datetime.fromisoformat(clock["due_at"])


async def due_times(desk: Desk) -> list[datetime]:
    found = await desk.rows("SELECT due_at FROM timer WHERE workspace_id = :ws", ws=desk.workspace_id)
    return sorted(row.due_at for row in found)


async def test_timers_that_are_lost_wrong_or_stand_for_nothing_are_found_and_mended(desk: Desk) -> None:
    await desk.promise(target("first_reply", "1h"))
    before = {kind: await mistakes(desk, kind) for kind in ("missing", "orphaned", "wrong")}
    due = [await running(desk, name) for name in ("lost", "wrong", "orphaned")]
    await desk.rows(
        "DELETE FROM timer WHERE workspace_id = :ws AND ticket_id = :t RETURNING 1",
        ws=desk.workspace_id,
        t=uid(desk.named("lost")),
    )
    await desk.rows(
        "UPDATE timer SET due_at = due_at + interval '1 day' WHERE workspace_id = :ws AND ticket_id = :t"
        " RETURNING 1",
        ws=desk.workspace_id,
        t=uid(desk.named("wrong")),
    )
    await desk.rows(
        "INSERT INTO timer SELECT workspace_id, ticket_id, owner_id, generation + 1, kind, level, shard, due_at"
        " FROM timer WHERE workspace_id = :ws AND ticket_id = :t RETURNING 1",
        ws=desk.workspace_id,
        t=uid(desk.named("orphaned")),
    )
    for kind, count in before.items():

        async def is_found(kind: str = kind, count: float = count) -> bool:
            return await mistakes(desk, kind) == count + 1

        await eventually(is_found, what=kind)
    assert await due_times(desk) == sorted(due)
    await desk.system.travel(timedelta(hours=1))
    for name in ("lost", "wrong", "orphaned"):
        await desk.hears(name, "sla.clock_started", "sla.breached")


async def test_a_due_time_that_zone_data_have_moved_is_worked_out_anew_and_published(desk: Desk) -> None:
    await desk.promise(target("first_reply", "1h"))
    due_at = await running(desk, "t")
    # As if the zone data, or the code, with which it was worked out had been others.
    for table in ("sla_clock", "timer"):
        await desk.rows(
            f"UPDATE {table} SET due_at = due_at + interval '1 hour' WHERE workspace_id = :ws RETURNING 1",
            ws=desk.workspace_id,
        )
    _, told = await desk.hears("t", "sla.clock_started", "sla.clock_resumed")
    assert datetime.fromisoformat(told["data"]["due_at"]) == due_at
    assert await due_times(desk) == [due_at]
    clock = await desk.clock("t", "first_reply")
    assert clock["history"][-1]["cause"] == "recomputed"
    await desk.system.travel(timedelta(hours=1))
    await desk.hears("t", "sla.clock_started", "sla.clock_resumed", "sla.breached")


async def test_dropping_the_timer_table_changes_nothing(desk: Desk) -> None:
    await desk.promise(target("first_reply", "1h", warn_at_percent=[50]), target("total_resolution", "2h"))
    await running(desk, "t")
    due = await due_times(desk)
    assert len(due) == 3
    await desk.rows("DELETE FROM timer WHERE workspace_id = :ws RETURNING 1", ws=desk.workspace_id)

    async def are_back() -> bool:
        return await due_times(desk) == due

    await eventually(are_back, what="every timer back")


def sample(desk: Desk, name: str) -> float:
    registry = desk.system.services["escalation"].runtime.metrics.registry
    return registry.get_sample_value(f"waypost_{name}") or 0


async def test_zammad_1631_whoever_fires_no_timers_is_shown_and_whoever_does_is_not(desk: Desk) -> None:
    """A scheduler that ran was shown as dead, and notices came eight hours late."""
    await desk.promise(target("first_reply", "15s"))
    desk.opened("t")
    await desk.tell()
    await desk.clock("t", "first_reply", state="running")
    async with held(desk, "t"):
        await desk.system.travel(timedelta(minutes=1))
        await eventually(lambda: sample(desk, "timers_overdue") == 1, what="overdue")
        audits = sample(desk, "timer_audits_total")
        await eventually(lambda: sample(desk, "timer_audits_total") > audits, what="signs of life")
    await desk.hears("t", "sla.clock_started", "sla.breached")
    await eventually(lambda: sample(desk, "timers_overdue") == 0, what="nothing overdue")
