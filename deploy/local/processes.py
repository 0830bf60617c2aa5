"""Child processes that never outlive this one.

Each child is started through lifeline.py, in a session of its own: Ctrl-C then reaches this process alone,
which stops its children in order; and when this process is killed, they end too.
"""

import functools
import os
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deploy.local.errors import StoppedError

LIFELINE = Path(__file__).with_name("lifeline.py")

# Linux ends a child when the *thread* that forked it ends: one thread, as old as this process, forks for all.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


@functools.cache
def _guard_pipe() -> tuple[int, int]:
    """Both ends of the pipe that closes when this process dies; guards read the first."""
    return os.pipe()


class Child:
    """One running program."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self.output = process.stdout
        self.ended = threading.Event()
        self._process = process
        threading.Thread(target=self._reap, daemon=True, name=f"reaper-{self.pid}").start()

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number if a signal ended it."""
        return self._process.returncode

    def signal(self, number: int) -> None:
        """Sends it a signal, or nothing if it has ended."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def stop(self, how: int, *, within_s: float) -> None:
        """Asks it to end, kills it when the time is up, returns when it is gone."""
        self.signal(how)
        if not self.ended.wait(within_s):
            self.signal(signal.SIGKILL)
            self.ended.wait()

    def _reap(self) -> None:
        self._process.wait()
        # What a killed program had started itself must not go on working beside its successor.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.ended.set()


@dataclass(frozen=True)
class Command:
    """A program to run, and how."""

    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    """The whole environment; None for this process's own."""
    cwd: Path | None = None
    user: tuple[int, int] | None = None
    """The uid and gid to become; for root only."""
    orphan_signal: int = signal.SIGTERM
    """What it gets when this process dies."""


def spawn(
    command: Command,
    *,
    output: IO[bytes] | int,
    keep_open: Sequence[int] = (),
    guard: bool = sys.platform != "linux",
) -> Child:
    """Starts a program; safe from any thread.

    output: where stdout and stderr go; subprocess.PIPE for `Child.output`
    keep_open: file descriptors that it inherits
    """
    guarded = [_guard_pipe()[0]] if guard else []
    launcher = [
        *(sys.executable, "-I", "-S", str(LIFELINE)),
        *(str(os.getpid()), str(int(command.orphan_signal))),
        str(guarded[0]) if guarded else "-",
        ":".join(map(str, command.user)) if command.user else "-",
    ]
    process = _spawner.submit(
        subprocess.Popen,
        [*launcher, *command.argv],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=command.cwd,
        env=command.env,
        start_new_session=True,
        pass_fds=(*keep_open, *guarded),
    )
    return Child(process.result())


class Program(ABC):
    """Something that runs as one process at a time, again and again, until it is stopped for good.

    Its methods may be called from any thread.
    """

    stop_signal = signal.SIGTERM
    """Asks it to end in good order."""
    hurry_signal = signal.SIGKILL
    """Makes it end at once, without losing anything committed."""
    stop_within_s = 15.0
    """How long it may take to end in good order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.child: Child | None = None
        self.stopping = threading.Event()
        self._changing = threading.Lock()

    @abstractmethod
    def start(self) -> Child:
        """Starts it unless it runs; StoppedError after `stop`."""

    @property
    def is_running(self) -> bool:
        """Whether there is a process now."""
        return self.child is not None and not self.child.ended.is_set()

    def last_words(self) -> str:
        """What explains its end to a person who has not seen its output."""
        return ""

    def launch(self, command: Command, *, output: IO[bytes] | int, keep_open: Sequence[int] = ()) -> Child:
        """Makes this the program's process; StoppedError after `stop`."""
        with self._changing:
            if self.stopping.is_set():
                raise StoppedError(f"{self.name} is being stopped")
            self.child = spawn(command, output=output, keep_open=keep_open)
            return self.child

    def retire(self) -> None:
        """Lets no further process of it start."""
        with self._changing:
            self.stopping.set()

    def stop(self) -> None:
        """Stops it for good, also in the middle of a start; returns when its process is gone."""
        self.retire()
        if self.child is not None:
            self.child.stop(self.stop_signal, within_s=self.stop_within_s)

    def hurry(self) -> None:
        """Makes a `stop` under way end now."""
        if self.child is not None:
            self.child.signal(self.hurry_signal)

    def kill(self) -> None:
        """SIGKILL, as a crash would be; `start` brings it back."""
        if self.child is not None:
            self.child.stop(signal.SIGKILL, within_s=self.stop_within_s)
