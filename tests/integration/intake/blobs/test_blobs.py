"""Bytes and the rows that name them, wherever the bytes lie."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from services.intake.adapters.blobs.files import FileShelf
from services.intake.adapters.blobs.objects import ObjectShelf
from services.intake.adapters.blobs.shelf import Place, Shelf
from services.intake.adapters.blobs.stored import StoredBlobs
from services.intake.adapters.blobs.sweeping import Sweeping
from services.intake.adapters.blobs.waste import Waste
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound, Unavailable
from shared.ids import IdFactory, SystemIds, uuid7
from tests.eventually import eventually
from tests.integration.intake.blobs.object_store import BUCKET, KEY, REGION, SECRET, ObjectStore, open_store
from tests.system import System

CONTENT = b"Please help."
SHA256 = hashlib.sha256(CONTENT).digest()
PLACES = ("folder", "objects", "database")

_NAMED = text(
    "INSERT INTO raw (workspace_id, raw_id, shard, channel, form, headers, recipients, sha256, bytes, received_at,"
    " state, attempts) VALUES (:workspace_id, :raw_id, 0, 'support', 'mail', '{}', '[]', :sha256, 1,"
    " clock_timestamp(), 'parsed', 0)"
)
_FORGOTTEN = text("DELETE FROM raw WHERE workspace_id = :workspace_id AND sha256 = :sha256")
_LOCKED = text("SELECT FROM blob WHERE sha256 = :sha256 FOR UPDATE NOWAIT")
_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")


class OldIds:
    """Ids as they were made two days ago."""

    def __init__(self) -> None:
        self._ids = SystemIds()

    def new(self) -> UUID:
        made = self._ids.new()
        return uuid7((made.int >> 80) - 2 * 86_400_000, made.bytes[6:])


class Store:
    """Blobs of one workspace on one shelf."""

    def __init__(
        self, database: Database, shelf: Shelf | None, workspace_id: str, ids: IdFactory, row_max: int = 0
    ) -> None:
        self.database = database
        self.shelf = shelf
        self.workspace_id = workspace_id
        self.waste = Waste(database, shelf)
        self.blobs = StoredBlobs(database, shelf, self.waste, ids, row_max=row_max)
        self.sweeping = Sweeping(database, self.blobs, shelf, self.waste)

    async def commit(self, *units: Callable[[Tx], Awaitable[object]]) -> None:
        async def unit(tx: Tx) -> None:
            for each in units:
                await each(tx)

        await self.database.transact(unit, workspaces=[self.workspace_id])

    async def keep(self, content: bytes = CONTENT) -> None:
        """Stores bytes together with a row that names them."""
        sha256 = hashlib.sha256(content).digest()
        await self.commit(await self.blobs.stage({(self.workspace_id, sha256): content}), self.named(sha256))

    def named(self, sha256: bytes = SHA256) -> Callable[[Tx], Awaitable[object]]:
        row = {"workspace_id": self.workspace_id, "raw_id": SystemIds().new(), "sha256": sha256}
        return lambda tx: tx.execute(_NAMED, row)

    def erased(self, sha256: bytes = SHA256) -> Callable[[Tx], Awaitable[object]]:
        """Takes away what names the bytes, and the bytes."""

        async def unit(tx: Tx) -> None:
            await tx.execute(_FORGOTTEN, {"workspace_id": self.workspace_id, "sha256": sha256})
            await self.blobs.delete(tx, self.workspace_id, [sha256])

        return unit

    async def read(self) -> bytes:
        return await self.blobs.read(self.workspace_id, SHA256)

    async def lying(self) -> list[Place]:
        """What lies on the shelf of this workspace."""
        return list(await self.shelf.places(self.workspace_id, SHA256[0])) if self.shelf else []


@asynccontextmanager
async def object_shelf() -> AsyncIterator[tuple[ObjectShelf, ObjectStore]]:
    async with open_store() as opened:
        endpoint = f"http://127.0.0.1:{opened.port}"
        yield (
            ObjectShelf(f"s3://{BUCKET}/in", endpoint=endpoint, region=REGION, key=KEY, secret=SECRET),
            opened,
        )


@pytest.fixture
def database(intake: System) -> Database:
    return intake.services["intake"].runtime.database


@pytest.fixture(params=PLACES)
async def store(
    request: pytest.FixtureRequest, database: Database, workspace_id: str, tmp_path: Path
) -> AsyncIterator[Store]:
    match request.param:
        case "folder":
            shelf = FileShelf(tmp_path)
            yield Store(database, shelf, workspace_id, OldIds())
            shelf.close()
        case "objects":
            async with object_shelf() as (objects, opened):
                yield Store(database, objects, workspace_id, OldIds())
                assert opened.refused == []
        case _:
            yield Store(database, None, workspace_id, OldIds())


async def test_what_is_stored_is_read_and_is_nobody_elses(store: Store) -> None:
    await store.keep()
    await store.keep(b"")
    assert await store.read() == CONTENT
    assert await store.blobs.read(store.workspace_id, hashlib.sha256(b"").digest()) == b""
    for workspace_id, sha256 in ((f"{store.workspace_id}-other", SHA256), (store.workspace_id, bytes(32))):
        with pytest.raises(NotFound):
            await store.blobs.read(workspace_id, sha256)


async def test_the_same_bytes_lie_in_one_place(store: Store) -> None:
    for _ in range(3):
        await store.keep()
    await store.waste.empty()
    assert len(await store.lying()) == (0 if store.shelf is None else 1)
    assert await store.read() == CONTENT


async def test_what_several_stage_for_one_commit_lies_in_one_place(store: Store) -> None:
    one, other = [await store.blobs.stage({(store.workspace_id, SHA256): CONTENT}) for _ in range(2)]
    await store.commit(one | other, store.named())
    await store.waste.empty()
    assert len(await store.lying()) == (0 if store.shelf is None else 1)
    assert await store.read() == CONTENT


async def test_what_several_stage_for_one_commit_is_locked_in_one_order(store: Store) -> None:
    contents = {hashlib.sha256(content).digest(): content for content in (b"a", b"b")}
    low, high = sorted(contents)
    for content in contents.values():
        await store.keep(content)
    first, second = [
        await store.blobs.stage({(store.workspace_id, sha256): contents[sha256]}) for sha256 in (high, low)
    ]

    async def erasing(tx: Tx) -> None:
        await tx.execute(_LOCKED, {"sha256": low})
        group.create_task(store.commit(first | second))
        await eventually(is_waiting)
        await tx.execute(_LOCKED, {"sha256": high})

    async def is_waiting() -> bool:
        return bool((await store.database.transact(lambda tx: tx.execute(_WAITING))).scalar_one())

    async with asyncio.TaskGroup() as group:
        await store.commit(erasing)


async def test_bytes_are_gone_when_the_last_that_names_them_is(store: Store) -> None:
    await store.keep()
    await store.commit(lambda tx: store.blobs.delete(tx, store.workspace_id, [SHA256]))
    await store.waste.empty()
    assert await store.read() == CONTENT  # a row names them still
    await store.commit(store.erased())
    with pytest.raises(NotFound):
        await store.read()
    await store.waste.empty()
    assert await store.lying() == []


async def test_a_commit_that_fails_forgets_nothing(store: Store) -> None:
    await store.keep()

    async def fail(_: Tx) -> None:
        raise NotFound

    with pytest.raises(NotFound):
        await store.commit(store.erased(), fail)
    await store.waste.empty()
    assert await store.read() == CONTENT


async def test_whoever_names_bytes_while_they_are_forgotten_has_them(store: Store) -> None:
    """Either order of the two commits, again and again, the files removed at any moment."""
    await store.keep()
    for _ in range(15):
        await asyncio.gather(store.commit(store.erased()), store.keep(), store.waste.empty())
        named = await store.database.transact(
            lambda tx: tx.execute(text("SELECT count(*) FROM raw")), workspaces=[store.workspace_id]
        )
        await store.waste.empty()
        if named.scalar_one():
            assert await store.read() == CONTENT
            assert len(await store.lying()) == (0 if store.shelf is None else 1)
        else:
            assert await store.lying() == []


async def test_what_a_crash_leaves_is_swept(store: Store) -> None:
    """Bytes whose commit never came; bytes that were given up by a process that ended then."""
    await store.blobs.stage({(store.workspace_id, SHA256): CONTENT})
    await store.keep(b"kept")
    await store.keep()
    dead = Store(store.database, store.shelf, store.workspace_id, OldIds())
    await dead.commit(dead.erased())
    await store.sweeping.sweep([store.workspace_id], whole=True)
    assert await store.lying() == []
    assert await store.blobs.read(store.workspace_id, hashlib.sha256(b"kept").digest()) == b"kept"


async def test_what_was_put_just_now_is_left_alone(store: Store) -> None:
    if store.shelf is None:
        return
    fresh = Store(store.database, store.shelf, store.workspace_id, SystemIds())
    staged = await fresh.blobs.stage({(store.workspace_id, SHA256): CONTENT})
    await store.sweeping.sweep([store.workspace_id], whole=True)
    await store.commit(staged, store.named())
    assert await store.read() == CONTENT


async def test_bytes_that_no_row_comes_to_name_are_swept(store: Store) -> None:
    await store.commit(await store.blobs.stage({(store.workspace_id, SHA256): CONTENT}))
    await store.keep(b"named")
    await store.sweeping.sweep([store.workspace_id])
    assert await store.read() == CONTENT  # what is being stored now has an hour
    await store.database.transact(
        lambda tx: tx.execute(
            text("UPDATE blob SET stored_at = stored_at - CAST(:by AS interval)"), {"by": timedelta(hours=2)}
        ),
        workspaces=[store.workspace_id],
    )
    await store.sweeping.sweep([store.workspace_id])
    with pytest.raises(NotFound):
        await store.read()
    assert await store.lying() == []
    assert await store.blobs.read(store.workspace_id, hashlib.sha256(b"named").digest()) == b"named"


async def test_bytes_that_were_changed_are_not_given_out(
    database: Database, workspace_id: str, tmp_path: Path
) -> None:
    shelf = FileShelf(tmp_path)
    store = Store(database, shelf, workspace_id, SystemIds())
    await store.keep()
    (where,) = await store.lying()
    (tmp_path / where.path).write_bytes(b"Please hell.")
    with pytest.raises(NotFound):
        await store.read()
    shelf.close()


_SPOILT = text("UPDATE blob SET content = 'Please hell.' WHERE content IS NOT NULL")


async def test_bytes_that_are_lost_are_there_again_once_they_come_again(store: Store) -> None:
    await store.keep()
    if store.shelf is None:
        await store.commit(lambda tx: tx.execute(_SPOILT))
    else:
        await store.shelf.remove(await store.lying())
    with pytest.raises(NotFound):
        await store.read()
    for _ in range(2):
        await store.keep()
        await store.waste.empty()
        assert await store.read() == CONTENT
        assert len(await store.lying()) == (0 if store.shelf is None else 1)


async def test_a_change_of_the_place_keeps_what_is_there(
    database: Database, workspace_id: str, tmp_path: Path
) -> None:
    await Store(database, None, workspace_id, SystemIds()).keep()
    shelf = FileShelf(tmp_path)
    store = Store(database, shelf, workspace_id, SystemIds())
    await store.keep()
    await store.waste.empty()
    assert await store.read() == CONTENT
    assert await store.lying() == []
    shelf.close()


async def test_what_is_small_stays_in_its_row(database: Database, workspace_id: str, tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path)
    store = Store(database, shelf, workspace_id, SystemIds(), row_max=len(CONTENT))
    await store.keep()
    assert (await store.read(), await store.lying()) == (CONTENT, [])
    await store.keep(CONTENT + b"!")
    assert len(list(tmp_path.rglob(f"{hashlib.sha256(CONTENT + b'!').hexdigest()}-*"))) == 1
    await store.commit(store.erased())
    with pytest.raises(NotFound):
        await store.read()
    shelf.close()


async def test_an_object_store_that_fails_is_told(database: Database, workspace_id: str) -> None:
    async with object_shelf() as (shelf, opened):
        store = Store(database, shelf, workspace_id, SystemIds())
        opened.answers = [500, 503]
        await store.keep()  # tried again
        assert await store.read() == CONTENT
        opened.answers = [403]
        with pytest.raises(Unavailable) as failure:
            await store.read()
        assert SECRET not in str(failure.value)
        mine, other = SystemIds().new(), SystemIds().new()
        assert await shelf.owner(mine) == mine
        assert await shelf.owner(other) == mine
        wrong = ObjectShelf(
            f"s3://{BUCKET}/in", endpoint=f"http://127.0.0.1:{opened.port}", region=REGION, key=KEY, secret="wrong"
        )
        with pytest.raises(Unavailable):
            await wrong.get(Place(workspace_id, SHA256, mine))
        assert opened.refused
