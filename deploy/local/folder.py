"""The data folder: one stack at a time, its secrets and its logs."""

import fcntl
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import LocalError

LEFTOVERS_S = 20.0
"""How long the processes of a killed supervisor may take to end."""


class Passwords:
    """Random passwords, made when first asked for and kept in a file that only its owner may read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def of(self, role: str) -> str:
        """The role's password, the same for every process that asks."""
        with self._lock, self._file.with_suffix(".lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            known: dict[str, str] = json.loads(self._file.read_text()) if self._file.exists() else {}
            if role not in known:
                known[role] = secrets.token_hex(16)
                write_private(self._file, json.dumps(known, indent=2))
            return known[role]


@dataclass(frozen=True)
class Folder:
    """A data folder that this process holds, or looks into."""

    path: Path
    lock: int
    """The descriptor of its lock, -1 where another process holds it.

    Children inherit it: it is released when the last of them has ended.
    """
    passwords: Passwords

    def log(self, name: str) -> Path:
        """The file to which a server's own log goes."""
        file = self.path / "logs" / f"{name}.log"
        file.parent.mkdir(exist_ok=True)
        return file


@contextmanager
def hold(path: Path) -> Iterator[Folder]:
    """Makes the data folder if it is missing and locks it; LocalError while another process holds it."""
    path = path.resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as error:
        raise LocalError(f"The data folder {path} cannot be written: {error.strerror}.") from error
    try:
        _lock(path, lock)
        yield Folder(path, lock, Passwords(path / "passwords.json"))
    finally:
        os.close(lock)


def look_into(path: Path) -> Folder:
    """A data folder that another process holds."""
    return Folder(path.resolve(), -1, Passwords(path / "passwords.json"))


def holder(path: Path) -> int | None:
    """The process that holds the data folder, if any."""
    try:
        lock = os.open(path / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return int(os.pread(lock, 20, 0) or b"0")
    finally:
        os.close(lock)


def write_private(file: Path, text: str) -> None:
    """Replaces a file as a whole; nobody else may read it."""
    new = file.with_name(f"{file.name}.new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.replace(file)


def _lock(path: Path, lock: int) -> None:
    until = time.monotonic() + LEFTOVERS_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = int(os.pread(lock, 20, 0) or b"0")
            # A killed supervisor leaves children that are still shutting down; they go by themselves.
            if (pid and _is_alive(pid)) or time.monotonic() > until:
                raise LocalError(
                    f"The data folder {path} is in use by process {pid}; stop that one first."
                ) from None
            time.sleep(0.1)
        else:
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            return


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
