"""What fails together is tried apart: what cannot be done, for whatever reason, holds up nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared.db.engine import SURROUNDINGS

K = TypeVar("K")
R = TypeVar("R")


async def by_halves(
    keys: Sequence[K],
    do: Callable[[Sequence[K]], Awaitable[R]],
    set_aside: Callable[[K, Exception], Awaitable[None]],
) -> list[R]:
    """Does something for all of them at once; where that fails, for each half, until whose fault it is is found.

    Gives what came of each part that could be done. Raises what says nothing about any of them, as an outage does.
    """
    if not keys:
        return []
    try:
        return [await do(keys)]
    except Exception as error:
        if isinstance(error, SURROUNDINGS):
            raise
        if len(keys) == 1:
            await set_aside(keys[0], error)
            return []
        middle = len(keys) // 2
        first = await by_halves(keys[:middle], do, set_aside)
        return [*first, *await by_halves(keys[middle:], do, set_aside)]
