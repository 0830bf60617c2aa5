"""Previews: two at once, one of each workspace, in threads of their own."""

import asyncio
import threading
from functools import partial

import pytest

from shared.http.preview_turns import PreviewTurns
from shared.http.problems import ProblemError


async def test_a_workspace_has_one_turn_and_another_after_it() -> None:
    turns = PreviewTurns()
    async with turns.turn("acme"):
        with pytest.raises(ProblemError) as refused:
            async with turns.turn("acme"):
                pass
        async with turns.turn("other"):
            pass
    assert (refused.value.status_code, refused.value.headers) == (429, {"Retry-After": "20"})
    async with turns.turn("acme"):
        pass


async def test_a_third_workspace_waits_until_one_has_left() -> None:
    turns, order = PreviewTurns(), list[str]()
    leave = asyncio.Event()

    async def try_one(workspace_id: str) -> None:
        async with turns.turn(workspace_id):
            order.append(workspace_id)
            await leave.wait()

    async with asyncio.TaskGroup() as group:
        for name in ("first", "second", "third"):
            group.create_task(try_one(name))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == ["first", "second"]
        leave.set()
    assert order == ["first", "second", "third"]


async def test_who_gives_up_keeps_the_turn_until_the_step_has_ended() -> None:
    turns, begun, end = PreviewTurns(), threading.Event(), threading.Event()

    def step() -> None:
        begun.set()
        end.wait(10)

    async def try_it() -> None:
        async with turns.turn("acme"):
            await turns.run(step)

    trying = asyncio.ensure_future(try_it())
    await asyncio.to_thread(partial(begun.wait, 10))
    trying.cancel()
    await asyncio.sleep(0)
    with pytest.raises(ProblemError):
        async with turns.turn("acme"):
            pass
    end.set()
    await asyncio.wait([trying])
    assert trying.cancelled()
    async with turns.turn("acme"):
        pass
    turns.close()
