"""Leases and epochs: one holder a shard, whatever freezes or dies."""

import asyncio

import pytest
from sqlalchemy import text

from shared.db.shards import fair_share
from shared.db.unit_of_work import Fence, Tx
from shared.errors import StaleEpoch
from shared.events.catalog import shard_of
from tests.eventually import eventually
from tests.integration.shared.node import Ground, Node, an_event


def held(*nodes: Node) -> list[int]:
    """The shards that these processes believe to hold."""
    return sorted(shard.n for node in nodes for shard in node.leases.held())


@pytest.mark.parametrize(("members", "share"), [(1, 12), (2, 6), (5, 3), (12, 1), (13, 1)])
def test_a_fair_share_leaves_no_shard_without_a_holder(members: int, share: int) -> None:
    assert fair_share(12, members) == share


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


async def test_a_process_whose_shard_was_taken_commits_nothing_more_for_it(ground: Ground) -> None:
    n = shard_of("acme")
    frozen, thaw = asyncio.Event(), asyncio.Event()

    async def freeze() -> None:
        frozen.set()
        await thaw.wait()

    async def steal(tx: Tx) -> None:
        await tx.execute(
            text("UPDATE shard_lease SET holder = 'thief', expires_at = 'infinity' WHERE n = :n"), {"n": n}
        )

    async def raise_epoch(tx: Tx) -> None:
        await tx.execute(text("UPDATE shard SET epoch = epoch + 1 WHERE n = :n"), {"n": n})

    async with ground.node() as node:
        await eventually(lambda: len(held(node)) == 12)
        await ground.database.transact(steal)
        await ground.database.transact(raise_epoch)
        await ground.emit(an_event("acme", "t", 1))
        await eventually(lambda: n not in held(node))
        assert await ground.notes("acme") == []
        assert await ground.count("outbox") == 1
        assert len(held(node)) == 11
