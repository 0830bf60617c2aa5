"""What one transaction promises."""

import asyncio

import pytest
from sqlalchemy import text

from shared.db.engine import LockTimeout
from shared.db.unit_of_work import Tx
from shared.errors import DatabaseUnavailable, DataRefused
from tests.integration.shared.node import Ground, an_event

_INSERT = text("INSERT INTO note (workspace_id, subject, sequence, holder) VALUES ('acme', :subject, :n, 'h')")
_LOCK = text("SELECT * FROM note WHERE workspace_id = 'acme' AND subject = :subject FOR UPDATE")


async def add(ground: Ground, subject: str) -> None:
    await ground.database.transact(
        lambda tx: tx.execute(_INSERT, {"subject": subject, "n": 1}), workspaces=["acme"]
    )


async def test_events_leave_with_the_effects_or_not_at_all(ground: Ground) -> None:
    async def fails(tx: Tx) -> None:
        tx.emit([an_event("acme", "t", 1)])
        await tx.execute(_INSERT, {"subject": "s", "n": 1})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await ground.database.transact(fails, workspaces=["acme"])
    assert await ground.count("outbox") == 0
    assert await ground.notes("acme") == []


async def test_what_runs_after_the_commit_does_not_run_without_it(ground: Ground) -> None:
    ran: list[str] = []

    async def unit(tx: Tx) -> None:
        tx.after_commit(lambda: ran.append("yes"))

    async def fails(tx: Tx) -> None:
        await unit(tx)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await ground.database.transact(fails)
    assert ran == []
    await ground.database.transact(unit)
    assert ran == ["yes"]


async def test_a_deadlock_runs_the_whole_unit_again(ground: Ground) -> None:
    await add(ground, "a")
    await add(ground, "b")
    both = asyncio.Barrier(2)
    tries: list[str] = []
    done = asyncio.Event()

    async def lock(tx: Tx, first: str, second: str) -> None:
        tries.append(first)
        if len(tries) > 2:  # or it might come between the other and its second lock, and meet it once more
            await done.wait()
        await tx.execute(_LOCK, {"subject": first})
        if len(tries) <= 2:
            await both.wait()
        await tx.execute(_LOCK, {"subject": second})

    async def run(first: str, second: str) -> None:
        await ground.database.transact(lambda tx: lock(tx, first, second), workspaces=["acme"])
        done.set()

    await asyncio.gather(run("a", "b"), run("b", "a"))
    assert len(tries) == 3


async def test_a_row_held_for_too_long_is_a_timeout_and_bad_data_is_refused(ground: Ground) -> None:
    await add(ground, "a")
    held, free = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await tx.execute(_LOCK, {"subject": "a"})
        held.set()
        await free.wait()

    holder = asyncio.create_task(ground.database.transact(hold, workspaces=["acme"]))
    await held.wait()
    with pytest.raises(LockTimeout):
        await ground.database.transact(lambda tx: tx.execute(_LOCK, {"subject": "a"}), workspaces=["acme"])
    free.set()
    await holder
    with pytest.raises(DataRefused, match="23505 at note"):
        await add(ground, "a")
    with pytest.raises(DataRefused, match="22021"):
        await add(ground, "nul\0")


async def test_connections_that_died_unnoticed_cost_the_next_unit_nothing(ground: Ground) -> None:
    await asyncio.gather(*(add(ground, f"s{number}") for number in range(4)))
    others = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert (await ground.database.transact(lambda tx: tx.execute(others))).scalar_one() > 0
    await asyncio.gather(*(add(ground, f"t{number}") for number in range(4)))
    assert len(await ground.notes("acme")) == 8


async def test_a_connection_that_dies_in_the_middle_is_unavailable_and_leaves_nothing(ground: Ground) -> None:
    async def dies(tx: Tx) -> None:
        await tx.execute(_INSERT, {"subject": "s", "n": 1})
        await tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(DatabaseUnavailable):
        await ground.database.transact(dies, workspaces=["acme"])
    assert await ground.notes("acme") == []


async def test_a_cancelled_request_leaves_its_transaction_whole_and_the_pool_full(ground: Ground) -> None:
    begun = asyncio.Event()

    async def slow(tx: Tx) -> None:
        begun.set()
        await tx.execute(text("SELECT pg_sleep(0.3)"))
        await tx.execute(_INSERT, {"subject": "s", "n": 1})

    tasks = [asyncio.create_task(ground.database.transact(slow, workspaces=["acme"]))]
    await begun.wait()
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    assert len(await ground.notes("acme")) == 1
    pool = ground.database.engine.pool
    assert pool.checkedout() == 0  # type: ignore[attr-defined] # a queue pool
