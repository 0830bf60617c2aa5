"""Waiting without sleeping for a fixed time."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, overload

from shared.clock import monotonic

T = TypeVar("T")

_LATE = 0.1
_LATE_AT_MOST_S = 0.1
"""What takes long is asked for less often: it is seen late by this share of the wait, and by no more than that."""


@overload
async def eventually(
    probe: Callable[[], Coroutine[Any, Any, T]], *, within_s: float = 10, what: str = "", every_s: float = 0.02
) -> T: ...
@overload
async def eventually(
    probe: Callable[[], T], *, within_s: float = 10, what: str = "", every_s: float = 0.02
) -> T: ...
async def eventually(
    probe: Callable[[], Any], *, within_s: float = 10, what: str = "", every_s: float = 0.02
) -> Any:
    """The first true result of `probe`, a function or a coroutine function, asked again and again.

    A failing assertion inside `probe` counts as not yet; the last one is raised when time is up.

    every_s: the pause between two askings at first, longer where asking costs those who are asked
    """
    began = monotonic()
    deadline = began + within_s
    while True:
        failure: AssertionError | None = None
        try:
            result = probe()
            if inspect.isawaitable(result):
                result = await result
            if result:
                return result
        except AssertionError as error:
            failure = error
        now = monotonic()
        if now > deadline:
            raise failure or AssertionError(f"not within {within_s} s: {what or probe}")
        await asyncio.sleep(max(every_s, min((now - began) * _LATE, _LATE_AT_MOST_S)))
