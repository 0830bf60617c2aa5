"""Bytes in a folder, which several processes may share."""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from services.intake.adapters.blobs.shelf import Place, folder_of, place_of
from shared.errors import Unavailable

T = TypeVar("T")

_THREADS = 4
"""Most of the time they wait for the disk; with more of them small files are no faster."""
_HOME = "waypost-home"


class FileShelf:
    """Implements the port `Shelf`. Only its owner may look into the folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="blobs")
        self._durable: set[Path] = set()

    async def put(self, contents: Mapping[Place, bytes]) -> None:
        """Keeps bytes. Raises Unavailable where the disk is full or gone."""
        files = [(self._root / place.path, content) for place, content in contents.items()]
        shares = [share for n in range(_THREADS) if (share := files[n::_THREADS])]
        puts = [self._run(partial(self._put, share)) for share in shares]
        # All of them end before this does.
        for failure in await asyncio.gather(*puts, return_exceptions=True):
            if failure is not None:
                raise failure

    async def get(self, place: Place) -> bytes | None:
        """The bytes, None where there are none. Raises Unavailable."""
        return await self._run(lambda: _read(self._root / place.path))

    async def remove(self, places: Collection[Place]) -> None:
        """Empties places. Raises Unavailable."""
        await self._run(lambda: _remove([self._root / place.path for place in places]))

    async def places(self, workspace_id: str, prefix: int) -> Sequence[Place]:
        """Every place in use of a workspace whose hashes begin with this byte. Raises Unavailable."""
        names = await self._run(lambda: _names(self._root / folder_of(workspace_id, prefix)))
        return [place for name in names if (place := place_of(workspace_id, name))]

    async def owner(self, home: UUID) -> UUID:
        """Whose folder this is. Raises Unavailable."""

        def claim() -> UUID:
            mark = self._root / _HOME
            if (written := _read(mark)) is None:
                self._put([(mark, home.hex.encode())])
                written = _read(mark) or b""
            return UUID(hex=written.decode())

        return await self._run(claim)

    def close(self) -> None:
        """Ends the threads, after what they are at."""
        self._threads.shutdown()

    async def _run(self, action: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, action)
        except OSError as error:
            raise Unavailable(f"the blob folder: {error.strerror}") from error

    def _put(self, files: Sequence[tuple[Path, bytes]]) -> None:
        folders = {file.parent for file, _ in files}
        for folder in folders:
            self._make(folder)
        for file, content in files:
            _write(file, content)
        # Once for all that is new in it: without this a crash could take away their names.
        for folder in folders:
            _sync(folder)

    def _make(self, folder: Path) -> None:
        """Makes a folder and those above it. Each is brought to the disk once a process."""
        if folder in self._durable:
            return
        missing = [folder, *folder.parents][: len(folder.parts) - len(self._root.parts) + 1]
        for each in reversed(missing):
            each.mkdir(mode=0o700, parents=each == self._root, exist_ok=True)
            _sync(each.parent)
        self._durable.add(folder)


def _write(file: Path, content: bytes) -> None:
    # Under another name until it is whole: whoever looks at the folder sees no halves.
    half = str(_half(file))
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as opened:  # noqa: PTH123 - a descriptor has no path
            opened.write(content)
            opened.flush()
            os.fsync(descriptor)
        os.rename(half, file)  # noqa: PTH104 - it is done a thousand times a second
    except OSError:
        with suppress(OSError):
            _half(file).unlink()
        raise


def _half(file: Path) -> Path:
    return file.with_name(f".{file.name}")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
        _half(file).unlink(missing_ok=True)
    for folder in {file.parent for file in files}:
        with suppress(FileNotFoundError):
            _sync(folder)


def _names(folder: Path) -> list[str]:
    try:
        # What a crash left half-written counts too: its name says when it was begun.
        return [name.removeprefix(".") for name in os.listdir(folder)]  # noqa: PTH208 - names only
    except FileNotFoundError:
        return []
