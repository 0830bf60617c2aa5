"""Many workspaces share a shard: what one of them gets, or cannot get, holds up none of the others."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from services.intake.adapters.blobs.shelf import folder_of
from services.intake.app.mail_ports import MAIL, Raw
from shared.clock import monotonic
from shared.db.engine import open_engine
from shared.db.unit_of_work import Tx
from shared.events.catalog import SHARDS, shard_of
from shared.ids import SystemIds
from tests.eventually import eventually
from tests.integration.intake.mail.post import Post, mail_of
from tests.integration.intake.mail.sink import Sink
from tests.system import System, Templates, start
from tests.unit.intake.builders import NOW
from tests.unit.intake.mails import SLOW_BODY, SLOW_TYPE, multipart, text_part

SHARD = 3
WITHIN_S = 4.0
"""So soon a plain mail is a ticket on a busy machine: sooner than a slow one has been read."""
EXHAUSTING = "exhausting"
CONTENT = b"the bytes of a file"
FILE = f"Content-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n\n{CONTENT.decode()}"


def neighbours(name: str, count: int, shard: int = SHARD) -> list[str]:
    """Workspaces of one shard."""
    names = (f"{name}-{number}" for number in range(1000))
    return [each for each in names if shard_of(each) == shard][:count]


class _Undone(Exception):
    """The transaction is not to stay."""


def raws_of(workspace_id: str, count: int, *, sender: str | None = None, form: str = MAIL) -> list[Raw]:
    """In the order of their ids; each from a sender of its own unless one is given."""
    return [
        Raw(
            workspace_id=workspace_id,
            raw_id=raw_id,
            channel="support",
            sender=sender or str(raw_id),
            recipients=(),
            sha256=bytes(32),
            size=1,
            received_at=NOW,
            traceparent=None,
            form=form,
        )
        for raw_id in sorted(SystemIds().new() for _ in range(count))
    ]


async def taken(
    system: System, waiting: Sequence[Raw], *already: UUID, most: int = 512, passed: Sequence[UUID] = ()
) -> list[Raw]:
    """What is taken first where these wait; nothing of it stays."""
    raws, found = mail_of(system).raws, list[Raw]()

    async def unit(tx: Tx) -> None:
        await raws.add(tx, waiting)
        found.extend(await raws.take(tx, SHARD, already, most, passed=passed))
        raise _Undone

    with pytest.raises(_Undone):
        await system.services["intake"].runtime.database.transact(
            unit, workspaces={raw.workspace_id for raw in waiting}, claims=[SHARD]
        )
    return found


async def test_each_workspace_has_a_window_of_its_own(mail_system: System) -> None:
    flooded, other = neighbours("window", 2)
    bulk = raws_of(flooded, 200, sender="bulk@x.example")
    more = raws_of(flooded, 100)
    posted = raws_of(flooded, 3, form="sms")
    (plain,) = raws_of(other, 1)
    found = await taken(mail_system, [*more, *bulk, *posted, plain])
    of = {name: [raw for raw in found if raw.form == name] for name in (MAIL, "sms")}
    assert of["sms"] == [raw for raw in found if raw.raw_id in {each.raw_id for each in posted}]
    assert len(of["sms"]) == 3
    assert plain.raw_id in {raw.raw_id for raw in of[MAIL]}
    assert sum(raw.workspace_id == flooded for raw in of[MAIL]) == 32
    assert sum(raw.sender == "bulk@x.example" for raw in of[MAIL]) == 16
    assert {raw.attempts for raw in found} == {1}


async def test_the_first_of_each_comes_before_the_second_of_any(mail_system: System) -> None:
    names = neighbours("round", 5)
    waiting = [raw for name in names for raw in raws_of(name, 3)]
    found = await taken(mail_system, waiting, most=7)
    assert {raw.workspace_id for raw in found} == set(names)


async def test_what_is_in_hand_or_left_alone_is_not_taken_and_what_is_left_alone_takes_no_place(
    mail_system: System,
) -> None:
    (name,) = neighbours("again", 1)
    raws = raws_of(name, 60)
    waiting = [raw.raw_id for raw in raws]
    found = await taken(mail_system, raws, *waiting[:2], passed=waiting[2:12])
    assert [raw.raw_id for raw in found] == waiting[12:42]


@pytest.mark.timeout(120)
async def test_slow_mail_of_one_workspace_delays_no_plain_mail_of_another(
    mail_system: System, sink: Sink, workspace_id: str
) -> None:
    flooded = await Post.open(mail_system, sink, workspace_id)
    here = shard_of(workspace_id)
    others = [
        await Post.open(mail_system, sink, neighbours(f"calm-{shard}", 1, shard)[0])
        for shard in (here, (here + 1) % SHARDS)
    ]
    for post in others:
        await post.post(post.raw(Message_ID="<0@x>"))
    slow = [flooded.raw(SLOW_BODY, Content_Type=SLOW_TYPE, Message_ID=f"<slow{n}@x>") for n in range(2)]
    await asyncio.gather(*(flooded.smtp(raw, sender=f"{n}@x.example") for n, raw in enumerate(slow)))
    # They wait behind what their sender has sent before.
    await asyncio.gather(
        *(flooded.smtp(flooded.raw(Message_ID=f"<{n}@x>"), sender="0@x.example") for n in range(64))
    )
    for post in others:
        began = monotonic()
        await post.post(post.raw(Message_ID="<1@x>"))
        assert monotonic() - began < WITHIN_S
    assert await flooded.tickets() == []


@asynccontextmanager
async def exhausted(system: System) -> AsyncIterator[None]:
    """While this lasts, a message with a certain text is too much for the database, which answers all the same."""
    engine = open_engine(system.databases["intake"].owner_url, name="tests", pool_size=1)
    raising = (
        "CREATE FUNCTION exhaust() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'out of shared memory' USING ERRCODE = '53200'; END $$"
    )
    trigger = (
        "CREATE TRIGGER exhausts BEFORE INSERT ON message FOR EACH ROW"
        f" WHEN (NEW.text LIKE '{EXHAUSTING}%') EXECUTE FUNCTION exhaust()"
    )
    async with engine.begin() as connection:
        await connection.execute(text(raising))
        await connection.execute(text(trigger))
    try:
        yield
    finally:
        async with engine.begin() as connection:
            await connection.execute(text("DROP FUNCTION exhaust CASCADE"))
        await engine.dispose()


@pytest.mark.timeout(120)
async def test_what_the_database_cannot_take_is_set_aside_and_the_shard_goes_on(
    mail_system: System, sink: Sink, workspace_id: str
) -> None:
    guilty = await Post.open(mail_system, sink, workspace_id)
    innocent = await Post.open(mail_system, sink, neighbours("innocent", 1, shard_of(workspace_id))[0])
    held = {shard.n: shard.epoch for shard in mail_system.services["intake"].runtime.leases.held()}
    async with exhausted(mail_system):
        await guilty.smtp(guilty.raw(EXHAUSTING))
        for n in range(5):
            began = monotonic()
            await innocent.post(innocent.raw(Message_ID=f"<{n}@x>"))
            assert monotonic() - began < WITHIN_S

        async def is_set_aside() -> bool:
            await innocent.post(innocent.raw())
            return bool(await guilty.quarantine())

        await eventually(is_set_aside, within_s=30, every_s=0.5)
    (raw,) = await guilty.quarantine()
    assert raw["reason"] == "the database fails at it"
    assert {shard.n: shard.epoch for shard in mail_system.services["intake"].runtime.leases.held()} == held


def delayed(system: System, why: str) -> float:
    """How often a mail was tried and left alone for a while."""
    begins = f'waypost_mails_delayed_total{{why="{why}"}}'
    lines = system.services["intake"].runtime.metrics.render().decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith(begins))


@pytest.mark.timeout(120)
async def test_a_lock_is_no_mails_fault_and_not_each_of_them_waits_for_it_in_turn(
    mail_system: System, sink: Sink, workspace_id: str
) -> None:
    post = await Post.open(mail_system, sink, workspace_id)
    engine = open_engine(mail_system.databases["intake"].owner_url, name="tests", pool_size=1)
    refused = [delayed(mail_system, "database")]

    def is_refused_again() -> bool:
        refused.append(delayed(mail_system, "database"))
        return refused[-1] >= refused[0] + 3

    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        await connection.execute(text("SET LOCAL transaction_timeout = 0"))
        await connection.execute(text("LOCK TABLE message IN SHARE MODE"))
        mails = [post.raw(Message_ID=f"<{number}@x>") for number in range(8)]
        await asyncio.gather(*(post.smtp(raw, sender=f"{n}@x.example") for n, raw in enumerate(mails)))
        # In a second round at the latest: the first ones may have been in a commit without the others.
        await eventually(is_refused_again, within_s=30)
    assert max(after - before for before, after in pairwise(refused)) <= 2
    await engine.dispose()
    await post.until_tickets(8, within_s=20)
    assert await post.quarantine() == []


@pytest.fixture
async def shelved(
    stack: Stack, templates: Templates, tmp_path: Path, sink: Sink
) -> AsyncIterator[tuple[System, Path]]:
    """A service whose bytes lie in a folder, all of them."""
    folder = tmp_path / "blobs"
    async with start(
        stack,
        ("intake",),
        prefix="shelved",
        templates=templates,
        folder=tmp_path,
        blob_folder=folder,
        blob_row_max_bytes=0,
        smtp_port=0,
    ) as system:
        yield system, folder


async def test_bytes_that_cannot_be_had_are_tried_again_and_hold_up_nobody(
    shelved: tuple[System, Path], sink: Sink, workspace_id: str
) -> None:
    system, folder = shelved
    post = await Post.open(system, sink, workspace_id)
    neighbour = await Post.open(system, sink, neighbours("beside", 1, shard_of(workspace_id))[0])
    mail, database = mail_of(system), system.services["intake"].runtime.database
    # One mail lies where it cannot be read.
    unreadable = post.raw("It is here.", Message_ID="<unreadable@x>", Subject="unreadable")
    raw, worn = (replace(each, sha256=hashlib.sha256(unreadable).digest()) for each in raws_of(workspace_id, 2))
    stored = await mail.blobs.stage({(workspace_id, raw.sha256): unreadable})
    (place,) = folder.glob(f"{workspace_id}/*/*")
    place.unlink()
    place.mkdir()

    async def unit(tx: Tx) -> None:
        # One that has ended so many processes is set aside, though nobody can look whom it names.
        await mail.raws.add(tx, [raw, replace(worn, attempts=8)])
        await stored(tx)

    await database.transact(unit, workspaces=[workspace_id])
    # The file of another one cannot be put anywhere.
    unkept = multipart(
        "mixed",
        text_part("With a file."),
        FILE,
        From=post.ada,
        To=post.support,
        Subject="unkept",
        Message_ID="<f@x>",
    )
    way = folder / folder_of(workspace_id, hashlib.sha256(CONTENT).digest()[0])
    assert way.name != hashlib.sha256(unkept).hexdigest()[:2]
    way.write_bytes(b"")
    await post.smtp(unkept)

    await eventually(lambda: delayed(system, "bytes") >= 4)
    for number in range(3):
        for each in (post, neighbour):
            began = monotonic()
            assert (await each.post(each.raw(Message_ID=f"<{number}@x>")))["disposition"] == "opened"
            assert monotonic() - began < WITHIN_S
    counting = text("SELECT attempts FROM raw WHERE workspace_id = :workspace_id AND state = 'received'")

    async def no_attempt_counts() -> bool:
        waiting = await database.transact(
            lambda tx: tx.execute(counting, {"workspace_id": workspace_id}), workspaces=[workspace_id]
        )
        return [row.attempts for row in waiting] == [0, 0]

    # While one is in hand it counts.
    await eventually(no_attempt_counts)
    place.rmdir()
    place.write_bytes(unreadable)
    way.unlink()
    tickets = await post.until_tickets(5, within_s=20)
    assert {"unreadable", "unkept"} <= {ticket["subject"] for ticket in tickets}
    assert [item["reason"] for item in await post.quarantine()] == ["it was taken up by 9 processes"]
