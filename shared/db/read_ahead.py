"""Reading ahead: the database is at work on what comes next while we work on what it gave."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

T = TypeVar("T")


async def read_ahead(source: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """What a source gives, one at a time, while it is at work on the next one.

    To be closed before the transaction that the source reads in is over. Raises what the source raises.
    """
    reading = asyncio.ensure_future(anext(source, None))
    try:
        while (item := await reading) is not None:
            reading = asyncio.ensure_future(anext(source, None))
            yield item
    finally:
        # Nothing is left under way: the transaction may end when this is closed.
        await asyncio.wait([reading])
        if not reading.cancelled():
            reading.exception()  # nobody is left to hear of it
        await source.aclose()
