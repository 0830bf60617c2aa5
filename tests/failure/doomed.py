"""`python -m tests.failure.doomed ACT FILE`: escalation processes that end, or freeze, while they fire timers.

    kill    one after the other, each SIGKILLed one point further on than the one before
    freeze  one, which stops itself in the middle of its first firing

A point is before each statement of a transaction that fires timers, before its commit, and after it. What was
done is written to FILE, a line each. A process that comes to no further point lives on; all of them are on a host
whose clock jumps by hours.
The interpreter is started once: each process is a copy of one that has everything loaded.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

import shared.clock
from services.escalation.adapters import timers
from services.escalation.app.fire_due_timers import fire_due_timers
from services.escalation.service import build
from services.escalation.settings import EscalationSettings
from shared.process import main

HOURS = timedelta(hours=3)
MOST_POINTS = 60
FROZEN_AT = 9
"""Statements into a firing: clocks are locked and read, and some of what has changed is written."""


class Wandering(datetime):
    """The time of a host whose clock is set three hours on and back again every other second."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override] # no subclass is wanted back
        true = datetime.now(tz)
        return true + HOURS if true.second % 2 else true - HOURS


class Doom:
    """Strikes at one point of the first transaction that fires timers. point: from 1"""

    def __init__(self, point: int, strike: Callable[[], None]) -> None:
        self._point = point
        self._strike = strike
        self._passed = 0
        self._armed: AsyncConnection | None = None
        self._is_over = False

    def watch(self) -> None:
        """Counts what happens from now on."""
        fire, execute, commit = fire_due_timers, AsyncConnection.execute, AsyncConnection.commit

        async def firing(due: Any, **parts: Any) -> Any:
            if not self._is_over:
                self._armed, self._passed = parts["tx"].connection, 0
            return await fire(due, **parts)

        async def executing(connection: AsyncConnection, *given: Any, **named: Any) -> Any:
            self._reach(connection)
            return await execute(connection, *given, **named)

        async def committing(connection: AsyncConnection) -> None:
            self._reach(connection)
            await commit(connection)
            self._reach(connection)
            if connection is self._armed:
                self._armed, self._is_over = None, True

        timers.fire_due_timers = firing  # type: ignore[attr-defined] # where it is called
        AsyncConnection.execute = executing  # type: ignore[method-assign, assignment]
        AsyncConnection.commit = committing  # type: ignore[method-assign, assignment]

    def _reach(self, connection: AsyncConnection) -> None:
        if connection is self._armed:
            self._passed += 1
            if self._passed == self._point:
                self._strike()


def _note(file: Path, line: str) -> None:
    with file.open("a") as output:
        output.write(f"{line}\n")


def _die(file: Path, point: int) -> Callable[[], None]:
    def strike() -> None:
        _note(file, f"killed {point}")
        os.kill(os.getpid(), signal.SIGKILL)

    return strike


def _freeze(file: Path) -> Callable[[], None]:
    def strike() -> None:
        _note(file, "frozen")
        os.kill(os.getpid(), signal.SIGSTOP)
        _note(file, "thawed")

    return strike


def _run(doom: Doom | None) -> None:
    shared.clock.datetime = Wandering  # type: ignore[attr-defined] # what SystemClock reads
    if doom is not None:
        doom.watch()
    main(build, EscalationSettings(), "escalation")


def _kills(file: Path) -> None:
    """Copies of this process, until one has lived through its first firing and ends in good order."""
    for point in count(1):
        child = os.fork()
        if child == 0:
            _run(Doom(point, _die(file, point)))
        signal.signal(signal.SIGTERM, lambda *_, child=child: os.kill(child, signal.SIGTERM))
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) or point == MOST_POINTS:
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    act, log = sys.argv[1], Path(sys.argv[2])
    if act == "kill":
        _kills(log)
    else:
        _run(Doom(FROZEN_AT, _freeze(log)))
