"""Whose turn it is to be read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.intake.adapters.email.turns import SMALL, Turn, Turns

MB = 1 << 20


class Readers:
    """Tasks that wait for turns, hold them, and leave when they are told to."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.begun: list[str] = []
        self._turn: dict[str, Turn] = {}
        self._leave: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, workspace_id: str, size: int = 1) -> None:
        async def read() -> None:
            async with self.turns.turn(workspace_id, size) as turn:
                self.begun.append(name)
                self._turn[name] = turn
                await self._leave[name].wait()

        self._leave[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(read())
        await self.settle()

    async def over(self, name: str) -> None:
        self._turn[name].over()
        await self.settle()

    async def leave(self, name: str) -> None:
        self._leave[name].set()
        await self.settle()

    async def cancel(self, name: str) -> None:
        self._tasks[name].cancel()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


@asynccontextmanager
async def opened(most: int, share: int, room: int) -> AsyncIterator[Readers]:
    readers = Readers(Turns(most, share=share, room=room))
    yield readers
    await readers.close()


async def test_a_workspace_never_holds_the_last_turn_while_it_holds_another() -> None:
    async with opened(2, 1, MB) as readers:
        for n in range(10):
            await readers.come(f"a{n}", "a")
        await readers.come("b0", "b")
        assert readers.begun == ["a0", "b0"]


async def test_workspaces_come_one_after_the_other_and_what_is_one_workspaces_in_its_order() -> None:
    async with opened(1, 1, MB) as readers:
        for name in ("a0", "a1", "a2", "b0", "b1", "c0"):
            await readers.come(name, name[0])
        for name in ("a0", "a1", "b0", "c0", "a2"):
            await readers.over(name)
        assert readers.begun == ["a0", "a1", "b0", "c0", "a2", "b1"]


async def test_what_is_read_keeps_its_room_until_it_is_left() -> None:
    async with opened(9, 9, 40 * MB) as readers:
        for n in range(5):
            await readers.come(f"a{n}", "a", 20 * MB)
            if n < 2:
                await readers.over(f"a{n}")
        assert readers.begun == ["a0", "a1"]
        await readers.leave("a0")
        assert readers.begun == ["a0", "a1", "a2"]


async def test_small_ones_pass_by_a_large_one_that_waits_for_room_and_large_ones_do_not() -> None:
    async with opened(9, 9, 40 * MB) as readers:
        await readers.come("a0", "a", 20 * MB)
        await readers.come("a1", "a", 40 * MB)
        await readers.come("b0", "b", 10 * MB)
        await readers.come("c0", "c", SMALL)
        assert readers.begun == ["a0", "c0"]
        await readers.leave("a0")
        await readers.leave("c0")
        assert readers.begun == ["a0", "c0", "a1"]


async def test_what_is_larger_than_all_room_comes_alone() -> None:
    async with opened(9, 9, MB) as readers:
        await readers.come("a0", "a", 2 * MB)
        await readers.come("b0", "b", 1)
        assert readers.begun == ["a0"]
        await readers.leave("a0")
        assert readers.begun == ["a0", "b0"]


@pytest.mark.parametrize("given_up", ["a0", "a1"])
async def test_who_gives_up_leaves_turn_and_room_behind(given_up: str) -> None:
    async with opened(1, 1, MB) as readers:
        await readers.come("a0", "a", MB)
        await readers.come("a1", "a", MB)
        await readers.cancel(given_up)
        if given_up == "a1":
            await readers.leave("a0")
        await readers.come("b0", "b", MB)
        assert readers.begun[-1] == "a1" if given_up == "a0" else "b0"
        await readers.cancel("a1")
        assert readers.begun[-1] == "b0"
