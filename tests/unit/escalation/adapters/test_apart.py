"""What cannot be done is found among what can, and an outage is nobody's fault."""

from collections.abc import Sequence

import pytest

from services.escalation.adapters.apart import by_halves
from shared.errors import DatabaseUnavailable


class Desk:
    def __init__(self, *broken: int) -> None:
        self.broken = broken
        self.tries: list[list[int]] = []
        self.aside: list[tuple[int, str]] = []

    async def do(self, keys: Sequence[int]) -> int:
        self.tries.append(list(keys))
        if guilty := [key for key in keys if key in self.broken]:
            raise ValueError(f"{guilty[0]} is broken")
        return sum(keys)

    async def set_aside(self, key: int, error: Exception) -> None:
        self.aside.append((key, str(error)))


@pytest.mark.parametrize(
    ("broken", "tries", "results"),
    [
        ((), [[1, 2, 3, 4]], [10]),
        ((3,), [[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]], [3, 4]),
        ((1, 4), [[1, 2, 3, 4], [1, 2], [1], [2], [3, 4], [3], [4]], [2, 3]),
    ],
)
async def test_only_what_is_broken_is_left_out(
    broken: tuple[int, ...], tries: list[list[int]], results: list[int]
) -> None:
    desk = Desk(*broken)
    assert await by_halves([1, 2, 3, 4], desk.do, desk.set_aside) == results
    assert desk.tries == tries
    assert desk.aside == [(key, f"{key} is broken") for key in broken]


async def test_nothing_to_do_is_not_tried() -> None:
    desk = Desk()
    assert await by_halves([], desk.do, desk.set_aside) == []
    assert desk.tries == []


async def test_an_outage_sets_nothing_aside() -> None:
    desk = Desk()

    async def unreachable(_: Sequence[int]) -> int:
        raise DatabaseUnavailable

    with pytest.raises(DatabaseUnavailable):
        await by_halves([1, 2], unreachable, desk.set_aside)
    assert desk.aside == []
