"""Messages to partners in PostgreSQL: who takes them up and who drops them never wait in a circle."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from services.router.adapters import order_rows
from services.router.adapters.order_rows import Attempt
from services.router.app.work_orders import OrderEvent, OrderMessage
from shared.db.engine import open_engine
from shared.db.unit_of_work import Database, Tx
from shared.wakeups import RelaySignal
from tests.eventually import eventually
from tests.shards import SHARDS
from tests.system import Templates

WORKSPACE, SHARD = "outsourced", 0
NOW = datetime.now(UTC)
TICKETS = UUID(int=9)
FIRST, HELD, LAST = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.fixture
async def database(stack: Stack, templates: Templates) -> AsyncIterator[Database]:
    made = await asyncio.to_thread(
        lambda: stack.postgres.create_database("router", prefix="orders_", template=templates["router"])
    )
    engine = open_engine(made.url, name="tests", pool_size=4)
    yield Database(engine, shards=SHARDS, relaying=RelaySignal())
    await engine.dispose()
    await asyncio.to_thread(stack.postgres.drop_database, made.name)


def message(offer_id: UUID, event: OrderEvent, due_s: int = 0) -> OrderMessage:
    """One that is due so long after the first."""
    return OrderMessage(
        workspace_id=WORKSPACE,
        offer_id=offer_id,
        event=event,
        ticket_id=TICKETS,
        queue="field",
        facts={},
        created_at=NOW - timedelta(hours=1) + timedelta(seconds=due_s),
        give_up_at=NOW + timedelta(hours=1),
        url=None,
        secret=None,
    )


@asynccontextmanager
async def locked(database: Database, offer_id: UUID) -> AsyncIterator[None]:
    """Somebody else works on an order's messages meanwhile."""
    is_locked, may_go = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        row = "SELECT 1 FROM work_order_message WHERE workspace_id = :ws AND offer_id = :offer FOR UPDATE"
        await tx.execute(text(row), {"ws": WORKSPACE, "offer": offer_id})
        is_locked.set()
        await may_go.wait()

    holding = asyncio.create_task(database.transact(hold, workspaces=[WORKSPACE]))
    await is_locked.wait()
    try:
        yield
    finally:
        may_go.set()
        await holding


async def is_over_or_waits(database: Database, is_over: Callable[[], bool], waiting: int) -> bool:
    """Whether it has come as far as it will: to its end, or to a lock."""

    async def count(tx: Tx) -> int:
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
        return int((await tx.execute(text(waits))).scalar_one())

    return is_over() or await database.transact(count) >= waiting


@pytest.mark.parametrize("due", [(FIRST, HELD, LAST), (LAST, HELD, FIRST)])
async def test_orders_that_end_in_one_commit_while_they_are_due_meet_no_deadlock(
    database: Database, due: Sequence[UUID]
) -> None:
    async def store(tx: Tx) -> None:
        workspace = "INSERT INTO workspace (workspace_id, shard) VALUES (:ws, :shard)"
        await tx.execute(text(workspace), {"ws": WORKSPACE, "shard": SHARD})
        await order_rows.add(tx, [message(each, OrderEvent.OFFERED, at) for at, each in enumerate(due)])

    async def take(tx: Tx) -> Sequence[Attempt]:
        return (await order_rows.take(tx, SHARD, most=4, busy=()))[0]

    async def end(tx: Tx) -> None:
        await order_rows.add(tx, [message(each, OrderEvent.ENDED) for each in (LAST, FIRST)])

    await database.transact(store, workspaces=[WORKSPACE], claims=[SHARD])
    async with locked(database, HELD):
        taking = asyncio.ensure_future(database.transact(take, claims=[SHARD], is_repeatable=False))
        await eventually(lambda: is_over_or_waits(database, taking.done, 1))
        ending = asyncio.ensure_future(
            database.transact(end, workspaces=[WORKSPACE], claims=[SHARD], is_repeatable=False)
        )
        await eventually(lambda: is_over_or_waits(database, ending.done, 2))
    begun = await taking
    await ending
    assert {attempt.message.offer_id for attempt in begun} == {FIRST, LAST}

    async def states(tx: Tx) -> set[tuple[UUID, str, str]]:
        found = await tx.execute(text("SELECT offer_id, event, state FROM work_order_message"))
        return {(row.offer_id, row.event, row.state) for row in found}

    assert await database.transact(states, workspaces=[WORKSPACE]) == {
        (FIRST, "offered", "dropped"),
        (LAST, "offered", "dropped"),
        (HELD, "offered", "pending"),
        (FIRST, "ended", "pending"),
        (LAST, "ended", "pending"),
    }
