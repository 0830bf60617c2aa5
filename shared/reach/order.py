"""Of ordered conditions, of which the first that holds decides: which never do, and which always hold."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shared.reach.boxes import EVERYTHING, Box, covers, meet, without
from shared.reach.conditions import Space, comparisons_in
from shared.reach.syntax import All, Node, parse
from shared.reach.vocabulary import Path, Vocabulary

_MOST_PIECES = 64
_MOST_WORK = 300_000
"""Boxes looked at in one review: well under a second."""


class Kind(StrEnum):
    """What is wrong with a condition."""

    NEVER = "never"
    SHADOWED = "shadowed"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A condition that never decides, or after which none does.

    index: of the condition; by: of the earlier ones of which one holds whenever it does
    fields: about which one that never holds contradicts itself
    """

    index: int
    kind: Kind
    by: tuple[int, ...] = ()
    fields: tuple[str, ...] = ()


def review(conditions: Sequence[str], vocabulary: Vocabulary) -> list[Finding]:
    """What is certainly wrong with ordered conditions; nothing is said of those behind one that always holds."""
    nodes = [parse(condition) for condition in conditions]
    space = Space.of(nodes, vocabulary)
    earlier = _Earlier({path: cells.everything for path, cells in space.cells.items()})
    found = []
    for index, node in enumerate(nodes):
        if earlier.work > _MOST_WORK:
            break
        at_most = space.where(node, at_most=True)
        if not at_most:
            found.append(Finding(index=index, kind=Kind.NEVER, fields=_contradicted(node, space)))
            continue
        if (by := earlier.covering(at_most)) is not None:
            found.append(Finding(index=index, kind=Kind.SHADOWED, by=by))
            continue
        at_least = space.where(node, at_most=False)
        alone = _Earlier(earlier.everything)
        alone.add(index, at_least)
        if alone.covering(EVERYTHING) is not None:
            found.append(Finding(index=index, kind=Kind.ALWAYS))
            break
        earlier.work += alone.work
        earlier.add(index, at_least)
    return found


def _contradicted(node: Node, space: Space) -> tuple[str, ...]:
    """The fields about which a condition that never holds says too much, as few as possible."""
    parts = list(node.parts) if isinstance(node, All) else [node]
    for part in tuple(parts):
        rest = [other for other in parts if other is not part]
        if rest and not space.where(All(tuple(rest)), at_most=True):
            parts = rest
    read = {compared.path for part in parts for compared in comparisons_in(part, space.vocabulary)}
    return tuple(sorted(".".join(path) for path in read))


@dataclass(slots=True)
class _Earlier:
    """Where earlier conditions hold, found by what they ask of one field.

    pinned: field -> cell -> boxes that ask for that cell alone; open: all others
    """

    everything: Mapping[Path, int]
    pinned: dict[Path, dict[int, list[tuple[int, Box]]]] = field(default_factory=lambda: defaultdict(dict))
    open: list[tuple[int, Box]] = field(default_factory=list)
    work: int = 0

    def add(self, index: int, boxes: Sequence[Box]) -> None:
        """One more condition."""
        for box in boxes:
            pins = [(path, mask) for path, mask in box.items() if mask.bit_count() == 1]
            if pins:
                path, mask = max(pins, key=lambda pin: self.everything[pin[0]])
                self.pinned[path].setdefault(mask, []).append((index, box))
            else:
                self.open.append((index, box))

    def covering(self, boxes: Sequence[Box]) -> tuple[int, ...] | None:
        """The earlier conditions that hold, one or the other, all over these boxes; one if one is enough."""
        for index, _ in self._one_around(boxes[0]):
            if self.work > _MOST_WORK:
                return None
            if all(any(i == index for i, _ in self._one_around(box)) for box in boxes[1:]):
                return (index,)
        found: set[int] = set()
        for box in boxes:
            around = next(iter(self._one_around(box)), None)
            by = {around[0]} if around else self._several_around(box)
            if by is None:
                return None
            found |= by
        return tuple(sorted(found))

    def _one_around(self, box: Box) -> Iterator[tuple[int, Box]]:
        """Boxes that cover this one, each by itself."""
        for path, mask in box.items():
            for index, other in self.pinned.get(path, {}).get(mask, ()):
                self.work += 1
                if covers(other, box):
                    yield index, other
        for index, other in self.open:
            self.work += 1
            if covers(other, box):
                yield index, other

    def _several_around(self, box: Box) -> set[int] | None:
        """The conditions that cover this box together."""
        left: list[Box] = [box]
        used: set[int] = set()
        for index, other in self._touching(box):
            self.work += len(left)
            if self.work > _MOST_WORK:
                return None
            before, left = left, []
            for piece in before:
                if meet(piece, other) is None:
                    left.append(piece)
                else:
                    used.add(index)
                    left.extend(without(piece, other, self.everything))
            if not left:
                return used
            if len(left) > _MOST_PIECES:
                return None
        return None

    def _touching(self, box: Box) -> Iterator[tuple[int, Box]]:
        """Boxes that may overlap with this one, the first conditions first where it matters for the words."""
        yield from self.open
        for path in sorted(self.pinned):
            by_cell = self.pinned[path]
            mask = box.get(path)
            for cell, boxes in by_cell.items():
                self.work += 1
                if mask is None or mask & cell:
                    yield from boxes
