"""Leases and epochs: one holder a shard, whatever freezes or dies."""

import asyncio

import pytest
from sqlalchemy import text

from shared.db.shards import Leases, Shard
from shared.db.unit_of_work import Fence, Tx
from shared.errors import DatabaseUnavailable, StaleEpoch
from shared.events.catalog import shard_of
from tests.eventually import eventually
from tests.integration.shared.node import Ground, Node, an_event

pytestmark = pytest.mark.usefixtures("topic")


def held(*nodes: Node) -> list[int]:
    """The shards that these processes believe to hold."""
    return sorted(shard.n for node in nodes for shard in node.leases.held())


async def test_a_lone_process_takes_all_shards_at_once(ground: Ground) -> None:
    async with ground.node() as node:
        await eventually(lambda: held(node) == list(range(12)), within_s=2)


async def test_processes_share_and_hand_over(ground: Ground) -> None:
    async with ground.node("a") as a:
        await eventually(lambda: len(held(a)) == 12)
        async with ground.node("b") as b:
            await eventually(lambda: len(held(a)) == len(held(b)) == 6)
            assert held(a, b) == list(range(12))
        await eventually(lambda: len(held(a)) == 12, within_s=3)


async def test_a_restarted_process_takes_its_own_shards_back_without_waiting(ground: Ground) -> None:
    async with ground.node("a") as first:
        await eventually(lambda: len(held(first)) == 12)
        epochs = {shard.n: shard.epoch for shard in first.leases.held()}
        # The same name while its predecessor's leases still run: what a restart after SIGKILL looks like.
        async with ground.node("a") as second:
            await eventually(lambda: len(held(second)) == 12, within_s=1)
            assert all(shard.epoch == epochs[shard.n] + 1 for shard in second.leases.held())
            await eventually(lambda: held(first) == [])


async def test_a_takeover_waits_for_the_commit_under_way_and_refuses_the_next(ground: Ground) -> None:
    n = shard_of("acme")
    entered, may_commit = asyncio.Event(), asyncio.Event()

    async def slow(tx: Tx) -> None:
        entered.set()
        await may_commit.wait()

    async def take_over(tx: Tx) -> None:
        await tx.execute(text("UPDATE shard SET epoch = epoch + 1 WHERE n = :n"), {"n": n})

    async with ground.node() as node:
        await eventually(lambda: len(held(node)) == 12)
        fence = Fence(n, next(shard.epoch for shard in node.leases.held() if shard.n == n))
        commit = asyncio.create_task(ground.database.transact(slow, fence=fence))
        await entered.wait()
        takeover = asyncio.create_task(ground.database.transact(take_over))
        done, _ = await asyncio.wait([takeover], timeout=0.3)
        assert not done, "the takeover did not wait"
        may_commit.set()
        await commit
        await takeover
        with pytest.raises(StaleEpoch):
            await ground.database.transact(slow, fence=fence)


async def test_a_shard_that_cannot_be_taken_yet_keeps_nobody_from_the_others(ground: Ground) -> None:
    blocked = 3
    entered, may_commit = asyncio.Event(), asyncio.Event()

    async def frozen(tx: Tx) -> None:
        await tx.execute(text("SELECT FROM shard WHERE n = :n FOR SHARE"), {"n": blocked})
        entered.set()
        await may_commit.wait()

    async with ground.node("dead"):
        pass
    commit = asyncio.create_task(ground.database.transact(frozen))
    await entered.wait()
    async with ground.node("heir") as heir:
        await eventually(lambda: held(heir) == [n for n in range(12) if n != blocked], within_s=3)
        may_commit.set()
        await commit
        await eventually(lambda: len(held(heir)) == 12)


async def test_a_process_whose_shard_was_taken_commits_nothing_more_for_it(ground: Ground) -> None:
    n = shard_of("acme")
    async with ground.node() as node:
        await eventually(lambda: len(held(node)) == 12)
        await steal(ground, n)
        await ground.emit(an_event("acme", "t", 1))
        await eventually(lambda: n not in held(node))
        assert await ground.notes("acme") == []
        assert await ground.count("outbox") == 1
        assert len(held(node)) == 11


async def test_a_lost_shard_is_not_served_again_where_its_loop_fails_while_it_is_cancelled(ground: Ground) -> None:
    begun: list[int] = []
    stopping = asyncio.Event()

    async def serve(shard: Shard) -> None:
        begun.append(shard.n)
        try:
            await shard.draining.wait()
        except asyncio.CancelledError as error:
            raise DatabaseUnavailable from error

    leases = Leases(ground.database, holder="lone", owner_url="http://127.0.0.1:1")
    await leases.prepare()
    running = asyncio.create_task(leases.run(serve, stopping))
    await eventually(lambda: sorted(begun) == list(range(12)))
    await steal(ground, 5)
    await eventually(lambda: 5 not in [shard.n for shard in leases.held()])
    stopping.set()
    async with asyncio.timeout(10):
        await running
    assert sorted(begun) == list(range(12))


async def steal(ground: Ground, n: int) -> None:
    """What another process does while ours is frozen."""

    async def take(tx: Tx) -> None:
        taken = text("UPDATE shard_lease SET holder = 'thief', expires_at = 'infinity' WHERE n = :n")
        await tx.execute(taken, {"n": n})
        await tx.execute(text("UPDATE shard SET epoch = epoch + 1 WHERE n = :n"), {"n": n})

    await ground.database.transact(take)
