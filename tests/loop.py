"""How long the event loop of this process was busy without serving anybody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import thread_time


@dataclass(slots=True)
class Turns:
    """longest_s: processor time of the loop's own thread, so that a busy machine does not lengthen it"""

    longest_s: float = 0.0


@asynccontextmanager
async def turns() -> AsyncIterator[Turns]:
    """Watches the loop's turns as long as this lasts."""
    seen = Turns()

    async def watch() -> None:
        before = thread_time()
        while True:
            await asyncio.sleep(0)
            now = thread_time()
            seen.longest_s, before = max(seen.longest_s, now - before), now

    watching = asyncio.ensure_future(watch())
    try:
        yield seen
    finally:
        watching.cancel()
