"""How many previews of policies are under way at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from shared.errors import Unavailable
from shared.http.problems import ProblemError

T = TypeVar("T")

_AT_ONCE = 2
"""Previews under way in this process: whatever else it does needs the processor too."""

_LONGEST_WAIT_S = 20.0
"""Whoever waits longer for a turn gives up; also when it is worth asking again.

Routing's previews take no longer. Escalation's look at every open ticket and may, where there are very many: then
whoever asks again is told the same once more.
"""


class PreviewTurns:
    """Whose preview is under way in this process. What of it takes long has threads that nothing else waits for.

    A workspace has one at a time, so that of a thousand requests no more wait here than there are workspaces.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="previews")
        self._workspaces: set[str] = set()

    @asynccontextmanager
    async def turn(self, workspace_id: str) -> AsyncIterator[None]:
        """A turn of the workspace. Raises ProblemError 429 while it has one, Unavailable where none comes."""
        if workspace_id in self._workspaces:
            raise ProblemError(
                429,
                "too-many-requests",
                "A policy of this workspace is being tried. Try again once it has been.",
                headers={"Retry-After": f"{_LONGEST_WAIT_S:.0f}"},
            )
        self._workspaces.add(workspace_id)
        try:
            try:
                async with asyncio.timeout(_LONGEST_WAIT_S):
                    await self._free.acquire()
            except TimeoutError:
                raise Unavailable("Other policies are being tried. Try again in a minute.") from None
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._workspaces.remove(workspace_id)

    async def run(self, step: Callable[[], T]) -> T:
        """What a step of a preview gives that takes long. Whoever gives up leaves when the step has ended."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, step)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            if not running.cancelled():
                running.exception()  # nobody is left to hear of it
            raise

    def close(self) -> None:
        """Ends the threads, after what they are at, for which nobody waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)
