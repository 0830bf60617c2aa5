"""Group commit: items that arrive while a commit is under way share the next one.

No timer: an idle service commits each item at once, a busy one commits many for the price of one. If a
group fails by what is in it, its items are tried one by one, and only the guilty one fails.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.errors import StaleEpoch, TransientError, WaypostError

I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")

Commit = Callable[[Sequence[I]], Awaitable[Sequence[R | WaypostError]]]
"""Commits items together; a result or a refusal for each."""


@dataclass(slots=True)
class _Waiting(Generic[I, R]):
    item: I
    done: "asyncio.Future[R]"


class GroupCommit(Generic[I, R]):
    """Gathers items into commits, in the order in which they arrive.

    key: items with the same key never share a commit
    """

    def __init__(
        self, commit: Commit[I, R], *, most: int, key: Callable[[I], Hashable | None] = lambda _: None
    ) -> None:
        self._commit = commit
        self._key = key
        self._most = most
        self._waiting: deque[_Waiting[I, R]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: I) -> R:
        """The item's result, after its commit. Raises what its commit refused it with."""
        waiting: _Waiting[I, R] = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())
        return await waiting.done

    async def _run(self) -> None:
        while self._waiting:
            group = self._next_group()
            try:
                await self._settle(group)
            except Exception as error:  # noqa: BLE001 - each of them gets it as its own
                for waiting in group:
                    if not waiting.done.done():
                        waiting.done.set_exception(error)
            # Who was answered just now, and has more, is of the next group.
            await asyncio.sleep(0)

    def _next_group(self) -> list[_Waiting[I, R]]:
        """The oldest items, but no two with the same key: the later one waits for the group after."""
        group: list[_Waiting[I, R]] = []
        held: list[_Waiting[I, R]] = []
        keys: set[Hashable] = set()
        while self._waiting and len(group) < self._most:
            waiting = self._waiting.popleft()
            key = self._key(waiting.item)
            if key is not None and key in keys:
                held.append(waiting)
                continue
            keys.add(key)
            group.append(waiting)
        self._waiting.extendleft(reversed(held))
        return group

    async def _settle(self, group: list[_Waiting[I, R]]) -> None:
        try:
            results = await self._commit([waiting.item for waiting in group])
        except (TransientError, StaleEpoch):
            raise
        except Exception:
            # Refused data or a defect of ours: whose item it is must not be everybody's loss.
            if len(group) == 1:
                raise
            for waiting in group:
                await self._settle_alone(waiting)
            return
        for waiting, result in zip(group, results, strict=True):
            if waiting.done.done():
                continue
            if isinstance(result, WaypostError):
                waiting.done.set_exception(result)
            else:
                waiting.done.set_result(result)

    async def _settle_alone(self, waiting: _Waiting[I, R]) -> None:
        try:
            await self._settle([waiting])
        except Exception as error:  # noqa: BLE001 - it is this one's
            if not waiting.done.done():
                waiting.done.set_exception(error)
