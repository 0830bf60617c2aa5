"""Waiting without sleeping for a fixed time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.clock import monotonic

T = TypeVar("T")


async def eventually(probe: Callable[[], T | Awaitable[T]], *, within_s: float = 10, what: str = "") -> T:
    """The first true result of `probe`, asked again and again.

    A failing assertion inside `probe` counts as not yet; the last one is raised when time is up.
    """
    deadline = monotonic() + within_s
    while True:
        failure: AssertionError | None = None
        try:
            result = probe()
            if inspect.isawaitable(result):
                result = await result
            if result:
                return result  # type: ignore[return-value] # awaited above
        except AssertionError as error:
            failure = error
        if monotonic() > deadline:
            raise failure or AssertionError(f"not within {within_s} s: {what or probe}")
        await asyncio.sleep(0.02)
