"""Starts a program again whenever it ends."""

import signal
import threading
import time

from deploy.local.console import Console
from deploy.local.errors import LocalError, StoppedError
from deploy.local.processes import Program

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
HEALTHY_AFTER_S = 30.0
"""Whoever lived this long gets the shortest pause again."""


class Keeper(threading.Thread):
    """Keeps one program running until it is stopped for good."""

    def __init__(self, program: Program, console: Console) -> None:
        super().__init__(name=f"keeper-{program.name}", daemon=True)
        self._program = program
        self._console = console

    def run(self) -> None:
        """Starts, waits for the end, pauses, and so on; the pause doubles with every early end."""
        pause_s = FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                child = self._program.start()
                child.ended.wait()
                end = describe(child.exit_code)
            except StoppedError:
                return
            except (LocalError, OSError) as error:
                end = str(error)
            if self._program.stopping.is_set():
                return
            if time.monotonic() - began > HEALTHY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            self._console.say(self._program.name, self._program.last_words())
            self._console.say(self._program.name, f"{end}; starting it again in {pause_s:g} s")
            if self._program.stopping.wait(pause_s):
                return
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def describe(exit_code: int | None) -> str:
    """How a program ended, in words."""
    if exit_code is not None and exit_code < 0:
        return f"ended by {signal.Signals(-exit_code).name}"
    return f"ended with exit code {exit_code}"
