"""Programs under test, as processes of their own."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[3]
ON_A_TERMINAL = (sys.executable, "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)")
CTRL_C = b"\x03"


def eventually(holds: Callable[[], object], within_s: float = 10.0) -> None:
    """Returns once it holds; fails when the time is up."""
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, f"not within {within_s} s"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


class Running:
    """A process; what it prints is collected line by line. It is killed at the end of the block."""

    def __init__(
        self, *argv: str, terminal: bool = False, env: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> None:
        """terminal: gives it a pseudo-terminal of its own."""
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [*(ON_A_TERMINAL if terminal else ()), *prefix, sys.executable, *argv],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self.exit_code(within_s=5)
        assert self._process.stdin
        self._process.stdin.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def press(self, keys: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(keys)
        self._process.stdin.flush()

    def exit_code(self, *, within_s: float = 20) -> int:
        code = self._process.wait(within_s)
        self._reader.join(within_s)
        return code

    def find(self, pattern: str) -> list[re.Match[str]]:
        return [found for line in list(self.lines) if (found := re.search(pattern, line))]

    def wait_for(self, pattern: str, *, times: int = 1, within_s: float = 20) -> re.Match[str]:
        """The so-many-th line that matches."""
        try:
            eventually(lambda: len(self.find(pattern)) >= times, within_s)
        except AssertionError:
            raise AssertionError(f"no {pattern!r} in\n" + "\n".join(self.lines)) from None
        return self.find(pattern)[times - 1]

    def _collect(self) -> None:
        assert self._process.stdout
        with self._process.stdout as output:
            for line in output:
                self.lines.append(line.decode().rstrip())
