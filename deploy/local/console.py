"""One terminal for many processes: every line says whose it is."""

import os
import select
import sys
import threading
from contextlib import suppress
from typing import TextIO

COLOURS = (36, 33, 35, 32, 34, 96, 93, 95)  # ANSI foregrounds, none of them red


class Console:
    """Prints whole lines, prefixed with a name; in colour on a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._in_colour = self._stream.isatty() and "NO_COLOR" not in os.environ
        self._names: list[str] = []
        self._lock = threading.Lock()

    def wait_for_hangup(self) -> None:
        """Returns once its terminal is closed; never if it is none."""
        poll = select.poll()
        if self._stream.isatty():
            poll.register(self._stream.fileno(), 0)  # a hang-up is reported unasked
        poll.poll()

    def say(self, name: str, text: str) -> None:
        """Prints a text of one or more lines."""
        with self._lock:
            if name not in self._names:
                self._names.append(name)
            prefix = f"{name:<10} |"
            if self._in_colour:
                prefix = f"\033[{COLOURS[self._names.index(name) % len(COLOURS)]}m{prefix}\033[0m"
            # A terminal that was closed must not keep the system from being stopped in order.
            with suppress(OSError, ValueError):
                self._stream.write("".join(f"{prefix} {line}\n" for line in text.splitlines()))
                self._stream.flush()
