"""Sets of situations as unions of boxes: a box says of some fields in which of their cells they are."""

from collections.abc import Iterator, Mapping, Sequence

from shared.reach.vocabulary import Path

Box = Mapping[Path, int]
"""Field -> mask of cells; a field that is not there may be anything. No mask is empty."""

EVERYTHING: Sequence[Box] = ({},)
NOTHING: Sequence[Box] = ()


def meet(one: Box, other: Box) -> Box | None:
    """What lies in both."""
    if not one:
        return other
    both = dict(one)
    for path, mask in other.items():
        common = both.get(path, mask) & mask
        if not common:
            return None
        both[path] = common
    return both


def covers(one: Box, other: Box) -> bool:
    """Whether all of the other lies in this one."""
    return all(path in other and not other[path] & ~mask for path, mask in one.items())


def without(box: Box, taken: Box, everything: Mapping[Path, int]) -> Iterator[Box]:
    """What is left of a box, in boxes that do not overlap. everything: all cells of each field"""
    rest = dict(box)
    for path, mask in taken.items():
        here = rest.get(path, everything[path])
        if outside := here & ~mask:
            yield {**rest, path: outside}
        rest[path] = here & mask
        if not rest[path]:
            return
