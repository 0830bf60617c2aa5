"""A correspondence that comes three times, at once, out of order, by two ways: the same tickets as once."""

import asyncio
import random
from collections import Counter

from tests.eventually import eventually
from tests.integration.intake.mail.post import Json, Post, mail_of
from tests.system import System


def correspondence(post: Post) -> list[bytes]:
    """Three threads of Ada and Bob, a stranger's mail, and what a machine says to nobody."""
    bob = f"bob@{post.workspace_id}.example.org"
    mails = []
    for thread in range(3):
        ids: list[str] = []
        for number in range(5):
            sender, other = (post.ada, bob) if number % 2 == 0 else (bob, post.ada)
            headers = {"In_Reply_To": ids[-1], "References": " ".join(ids)} if ids else {}
            ids.append(f"<{thread}.{number}@{post.workspace_id}>")
            mails.append(
                post.raw(
                    f"thread {thread}, mail {number}",
                    From=sender,
                    Cc=other,
                    Message_ID=ids[-1],
                    Subject=f"{'Re: ' * bool(number)}Thread {thread}",
                    **headers,
                )
            )
    mails.append(post.raw("alone", From="eve@evil.example", Message_ID=f"<eve@{post.workspace_id}>"))
    mails.append(post.raw("away", Auto_Submitted="auto-replied", Message_ID=f"<away@{post.workspace_id}>"))
    return mails


async def tickets_of(post: Post) -> Counter[tuple[object, ...]]:
    """The tickets without what depends on the order: what stands in each, and how it stands."""
    found: Counter[tuple[object, ...]] = Counter()
    for ticket in await post.tickets():
        messages = await post.messages(ticket["ticket_id"])
        texts = frozenset((message["text"].strip(), message["is_public"]) for message in messages)
        found[ticket["status"], len(messages), texts] += 1
    return found


async def test_what_comes_three_times_out_of_order_ends_in_the_same_tickets_as_once(
    mail_system: System, post: Post
) -> None:
    once = await Post.open(mail_system, post.sink, f"{post.workspace_id}-once")
    for raw in correspondence(once):
        await once.post(raw)
    expected = await tickets_of(once)
    assert sum(expected.values()) == 4

    deliveries = [(raw, way) for raw in correspondence(post) for way in ("http", "smtp", "http")]
    random.Random(4).shuffle(deliveries)
    turns = asyncio.Semaphore(12)

    async def deliver(raw: bytes, way: str) -> Json | None:
        async with turns:
            if way == "smtp":
                await post.smtp(raw)
                return None
            return await post.post(raw)

    receipts = await asyncio.gather(*(deliver(raw, way) for raw, way in deliveries))
    await eventually(lambda: all_read(mail_system))
    assert await tickets_of(post) == expected
    told = Counter(receipt["disposition"] for receipt in receipts if receipt)
    assert told["opened"] <= 4
    assert set(told) <= {"opened", "appended", "duplicate", "dropped"}


async def all_read(system: System) -> bool:
    """Whether something has become of every mail."""
    runtime, mail = system.services["intake"].runtime, mail_of(system)
    shards = range(runtime.settings.shards)
    return not await runtime.database.transact(lambda tx: mail.raws.waiting(tx, shards), claims=shards)
