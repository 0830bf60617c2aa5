"""A process is whole, or it ends."""

import asyncio

import pytest

from shared.errors import FatalError
from shared.process import _whole


async def cancelled_from_within() -> None:
    task = asyncio.current_task()
    assert task is not None
    raise asyncio.CancelledError


async def test_a_part_that_ends_as_cancelled_without_being_asked_is_a_crash() -> None:
    with pytest.raises(FatalError):
        await _whole(cancelled_from_within())


async def test_a_part_that_is_cancelled_ends_as_cancelled() -> None:
    task = asyncio.create_task(_whole(asyncio.Event().wait()))  # type: ignore[arg-type] # never comes to its result
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
