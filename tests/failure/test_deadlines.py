"""Deadlines come while whoever watches over them is killed, frozen, doubled or cut off: each level fires once."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from shared.clock import SystemClock
from tests.eventually import eventually
from tests.failure.deadlines import Deadlines
from tests.failure.fleet import LOOK_S
from tests.system import Templates


@pytest.fixture(scope="module")
async def _deadlines(own_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deadlines]:
    folder = tmp_path_factory.mktemp("deadlines")
    async with Deadlines.open(own_stack, Templates(own_stack), folder) as opened:
        yield opened


@pytest.fixture
async def deadlines(_deadlines: Deadlines) -> AsyncIterator[Deadlines]:
    yield _deadlines
    _deadlines.stop()


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


async def test_sigkill_at_every_point_of_a_firing_loses_no_deadline_and_doubles_none_while_the_host_s_clock_jumps(
    deadlines: Deadlines, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    deadlines.begin("escalation-1", "tests.failure.doomed", "kill", str(killed))
    await deadlines.follow_each_other(120, timedelta(seconds=0.08), first=timedelta(seconds=2))
    await deadlines.must_hold()
    points = lines(killed)
    # Locking, reading, writing tickets, clocks, escalations, timers and events, before the commit and after it.
    assert points == [f"killed {point}" for point in range(1, len(points) + 1)]
    assert len(points) >= 12


async def test_a_worker_that_is_frozen_in_a_firing_wakes_up_late_and_fires_nothing_twice(
    deadlines: Deadlines, tmp_path: Path
) -> None:
    frozen = tmp_path / "frozen"
    await deadlines.start("escalation-1", "tests.failure.doomed", "freeze", str(frozen))
    until = await deadlines.follow_each_other(60, timedelta(seconds=0.1), first=timedelta(seconds=1))
    await eventually(lambda: lines(frozen) == ["frozen"], within_s=20)
    await deadlines.start("escalation-2")
    await eventually(lambda: SystemClock().now() > until, within_s=20)
    await eventually(lambda: _holds_everything(deadlines, "escalation-2"), within_s=40, every_s=LOOK_S)
    deadlines.thaw("escalation-1")
    await eventually(lambda: lines(frozen) == ["frozen", "thawed"])
    await deadlines.must_hold()


async def test_two_workers_and_a_database_that_is_shut_down_at_once_fire_each_deadline_once(
    deadlines: Deadlines,
) -> None:
    await asyncio.gather(deadlines.start("escalation-1"), deadlines.start("escalation-2"))
    await deadlines.follow_each_other(60, timedelta(seconds=0.1), first=timedelta(seconds=0.5))
    await eventually(lambda: deadlines.has_fired(10), within_s=20)
    server = deadlines.stack.postgres.child
    assert server is not None
    deadlines.stack.postgres.hurry()
    await asyncio.to_thread(server.ended.wait)
    await asyncio.to_thread(deadlines.stack.postgres.start)
    assert not await deadlines.has_fired(60)
    await deadlines.must_hold()


async def test_a_broker_that_hangs_keeps_no_deadline_waiting(deadlines: Deadlines) -> None:
    await deadlines.start("escalation-1")
    await deadlines.follow_each_other(10, timedelta(seconds=0.05), first=timedelta(seconds=2))
    await eventually(lambda: deadlines.knows(10), within_s=20)
    broker = deadlines.stack.kafka.child
    assert broker is not None
    broker.signal(signal.SIGSTOP)
    try:
        await eventually(lambda: deadlines.has_fired(10), within_s=20)
    finally:
        broker.signal(signal.SIGCONT)
    await deadlines.must_hold()


async def _holds_everything(deadlines: Deadlines, name: str) -> bool:
    rows = await deadlines.rows("SELECT DISTINCT holder FROM shard_lease")
    return [row["holder"] for row in rows] == [name]
