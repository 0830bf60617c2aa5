"""Whose turn it is to be read: fair between workspaces, bounded in number and in bytes."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SMALL = 262_144
"""Bytes that may pass by something large, which waits until there is room for it."""


class Turn:
    """A place among those that are read. Its bytes count until it is left, by then they are stored."""

    def __init__(self, turns: "Turns", workspace_id: str, size: int) -> None:
        self._turns = turns
        self.workspace_id = workspace_id
        self.size = size
        self.begun = asyncio.Event()
        self.is_over = False

    def over(self) -> None:
        """It is read: the next one may be."""
        if not self.is_over:
            self.is_over = True
            self._turns.ended(self)


class Turns:
    """Gives turns to workspaces one after the other, and to what came for one of them in its order.

    most: at one time; share: of those, for one workspace; room: bytes of all that is read and not yet stored
    """

    def __init__(self, most: int, *, share: int, room: int) -> None:
        self._most = self._free = most
        self._share = share
        self._room = self._space = room
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[Turn]] = {}

    @asynccontextmanager
    async def turn(self, workspace_id: str, size: int) -> AsyncIterator[Turn]:
        """A turn, once it has come."""
        turn = Turn(self, workspace_id, min(size, self._room))
        self._waiting.setdefault(workspace_id, deque()).append(turn)
        self._begin()
        try:
            await turn.begun.wait()
            yield turn
        finally:
            self._leave(turn)

    def ended(self, turn: Turn) -> None:
        """One that was begun is over."""
        self._free += 1
        self._held[turn.workspace_id] -= 1
        if not self._held[turn.workspace_id]:
            del self._held[turn.workspace_id]
        self._begin()

    def _leave(self, turn: Turn) -> None:
        if turn.begun.is_set():
            self._space += turn.size
            turn.over()
        else:
            self._remove(turn)
        self._begin()

    def _begin(self) -> None:
        while self._free and (turn := self._next()):
            self._remove(turn)
            self._free -= 1
            self._held[turn.workspace_id] += 1
            self._space -= turn.size
            turn.begun.set()

    def _next(self) -> Turn | None:
        is_full = False
        for workspace_id, waiting in self._waiting.items():
            if self._held[workspace_id] >= self._share:
                continue
            if waiting[0].size <= self._space and not (is_full and waiting[0].size > SMALL):
                return waiting[0]
            is_full = True
        return None

    def _remove(self, turn: Turn) -> None:
        """Takes one out of its workspace's, whose next turn comes after all others'."""
        waiting = self._waiting.pop(turn.workspace_id)
        waiting.remove(turn)
        if waiting:
            self._waiting[turn.workspace_id] = waiting
