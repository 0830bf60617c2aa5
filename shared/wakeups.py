"""Hints that there is something to do. Losing one costs a poll's delay, never an event."""

import asyncio
from contextlib import suppress


class Wakeup:
    """A bell for one waiter."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wakes the waiter now, or spares it the next wait."""
        self._rung.set()

    async def wait(self, timeout_s: float) -> None:
        """Returns when rung, after `timeout_s` seconds at the latest."""
        if timeout_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._rung.wait()
        self._rung.clear()


class Wakeups:
    """Bells by shard, for the shards that this process holds."""

    def __init__(self) -> None:
        self._bells: dict[int, Wakeup] = {}

    def open(self, shard: int, bell: Wakeup) -> None:
        """Takes the bell of a shard that this process takes on."""
        self._bells[shard] = bell

    def close(self, shard: int) -> None:
        """Forgets the bell of a shard that this process has given up."""
        self._bells.pop(shard, None)

    def has(self, shard: int) -> bool:
        """Whether this process holds the shard."""
        return shard in self._bells

    def wake(self, shard: int) -> None:
        """Rings the shard's bell if this process holds it."""
        if bell := self._bells.get(shard):
            bell.ring()
