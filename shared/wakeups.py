"""Hints that there is something to do. Losing one costs a poll's delay, never an event."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class Wakeup:
    """A bell for one waiter."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wakes the waiter now, or spares it the next wait."""
        self._rung.set()

    async def wait(self, timeout_s: float) -> bool:
        """Returns when rung, after `timeout_s` seconds at the latest; whether it was rung."""
        if timeout_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._rung.wait()
        is_rung = self._rung.is_set()
        self._rung.clear()
        return is_rung


class Changes:
    """Lets everybody look again who waits for something to become true."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Something has changed."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until(self, probe: Callable[[], T], *, within_s: float) -> T:
        """The first true result of `probe`, its last one after `within_s` seconds. It is asked at every change."""
        found = probe()
        if not found and within_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while not found:
                        await self._changed.wait()
                        found = probe()
        return found


class RelaySignal:
    """Tells this process's relay that a commit has left something in the outbox.

    held: the shards that this process relays, as of its last look
    """

    def __init__(self) -> None:
        self.bell = Wakeup()
        self.held: frozenset[int] = frozenset()

    def wake(self, shards: Iterable[int]) -> None:
        """Rings where one of these shards is relayed here."""
        if not self.held.isdisjoint(shards):
            self.bell.ring()
