"""Bytes in a folder, without a database."""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.intake.adapters.blobs.files import FileShelf
from services.intake.adapters.blobs.shelf import Place, place_of
from shared.errors import Unavailable
from shared.ids import SystemIds

ids = SystemIds()


def place(content: bytes, workspace_id: str = "acme") -> Place:
    return Place(workspace_id, hashlib.sha256(content).digest(), ids.new())


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[FileShelf]:
    opened = FileShelf(tmp_path / "blobs")
    yield opened
    opened.close()


async def test_what_is_put_is_there_for_its_owner_only(shelf: FileShelf, tmp_path: Path) -> None:
    where = place(b"mail")
    await shelf.put({where: b"mail"})
    assert await shelf.get(where) == b"mail"
    file = tmp_path / "blobs" / "acme" / where.sha256.hex()[:2] / f"{where.sha256.hex()}-{where.location.hex}"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for folder in (file.parent, file.parent.parent, file.parent.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


async def test_the_same_bytes_have_a_place_each_time(shelf: FileShelf) -> None:
    first, second = place(b"mail"), place(b"mail")
    await shelf.put({first: b"mail", second: b"mail"})
    await shelf.remove([first])
    assert await shelf.get(first) is None
    assert await shelf.get(second) == b"mail"
    await shelf.remove([first])


async def test_places_are_listed_with_what_a_crash_left_half_written(shelf: FileShelf, tmp_path: Path) -> None:
    whole, half = place(b"mail"), place(b"mail")
    await shelf.put({whole: b"mail"})
    (tmp_path / "blobs" / half.folder / f".{half.name}").write_bytes(b"ma")
    (tmp_path / "blobs" / half.folder / "notes.txt").write_text("not ours")
    prefix = whole.sha256[0]
    assert set(await shelf.places("acme", prefix)) == {whole, half}
    assert await shelf.places("acme", (prefix + 1) % 256) == []
    assert await shelf.places("nobody", prefix) == []
    await shelf.remove([half])
    assert await shelf.places("acme", prefix) == [whole]


@pytest.mark.parametrize("workspace_id", ["..", "../other", "/etc", "", "a/b", "A", ".hidden"])
async def test_a_name_that_is_no_workspace_reaches_nothing(shelf: FileShelf, workspace_id: str) -> None:
    where = place(b"mail", workspace_id)
    for attempt in (shelf.put({where: b"mail"}), shelf.get(where), shelf.remove([where])):
        with pytest.raises(ValueError, match="no workspace"):
            await attempt
    with pytest.raises(ValueError, match="no workspace"):
        await shelf.places(workspace_id, 0)


async def test_a_disk_that_says_no_is_told_and_leaves_nothing(shelf: FileShelf, tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where the folder should be")
    with pytest.raises(Unavailable):
        await shelf.put({place(b"mail"): b"mail"})


async def test_a_folder_belongs_to_whoever_came_first(shelf: FileShelf) -> None:
    mine, other = ids.new(), ids.new()
    assert await shelf.owner(mine) == mine
    assert await shelf.owner(mine) == mine
    assert await shelf.owner(other) == mine


def test_only_names_that_we_gave_are_places() -> None:
    where = place(b"mail")
    assert place_of("acme", where.name) == where
    for name in ("", "waypost-home", where.name[:-1], f"{'x' * 64}-{'0' * 32}", f"{'0' * 64}-{'x' * 32}"):
        assert place_of("acme", name) is None
