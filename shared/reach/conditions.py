"""From what a condition says to the situations in which it holds: at most, and at least.

A comparison that reads a field which is not there fails, and so does everything around it, unless the other side
of an `&&` is false or that of an `||` true. So each part is asked when it is true and when it is false; where it
is neither, it fails. Both questions need no negation: what is not understood can be taken as everything or as
nothing, and either bound stays a bound.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from shared.reach.boxes import EVERYTHING, NOTHING, Box, meet
from shared.reach.syntax import All, Compared, Constant, Either, Field, Has, Listed, Literal, Node, Not
from shared.reach.vocabulary import Cells, Flag, Kind, Path, Vocabulary, fits, is_possible

_MOST_BOXES = 64
"""A condition that would need more is bounded more loosely."""

_MOST_MEETINGS = 1024
_MOST_LITERALS = 2000
"""A field that is compared with more of them is not understood."""

ORDERING = frozenset({"<", "<=", ">", ">="})
"""What only holds of values that have an order."""

_FLIPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison that is understood: of a field with literals; with none whether it is there.

    fitting: those of the literals that have the field's type; strangers: those that it can never be
    """

    path: Path
    kind: Kind
    operator: str
    fitting: tuple[Literal, ...] = ()
    strangers: tuple[Literal, ...] = ()


def comparison_of(node: Node, vocabulary: Vocabulary) -> Comparison | None:
    """The comparison that a part of a condition is, if it is understood."""
    match node:
        case Has(field=Field(path=path)):
            return _comparison(vocabulary, path, "has")
        case Field(path=path):
            compared = _comparison(vocabulary, path, "==", True)
            return compared if compared and isinstance(compared.kind, Flag) else None
        case Compared(operator="in", left=Field(path=path), right=Listed(values=values)):
            return _comparison(vocabulary, path, "in", *values)
        case Compared(operator="in", left=Constant(value=str() as key), right=Field(path=path)):
            return _comparison(vocabulary, (*path, key), "has") if path in vocabulary.entries else None
        case Compared(operator=operator, left=Field(path=path), right=Constant(value=value)):
            return _comparison(vocabulary, path, operator, value) if operator != "in" else None
        case Compared(operator=operator, left=Constant(value=value), right=Field(path=path)):
            return _comparison(vocabulary, path, _FLIPPED[operator], value) if operator != "in" else None
        case _:
            return None


def _comparison(vocabulary: Vocabulary, path: Path, operator: str, *values: Literal) -> Comparison | None:
    known = vocabulary.known(path)
    if known is None:
        return None
    path, kind = known
    if isinstance(kind, Flag) and operator in ORDERING:
        return None
    fitting = tuple(value for value in values if fits(kind, value))
    strangers = tuple(value for value in values if not is_possible(kind, value))
    return Comparison(path, kind, operator, fitting, strangers)


def comparisons_in(node: Node, vocabulary: Vocabulary) -> Iterator[Comparison]:
    """Every comparison of a condition that is understood."""
    match node:
        case All(parts=parts) | Either(parts=parts):
            for part in parts:
                yield from comparisons_in(part, vocabulary)
        case Not(inner=inner):
            yield from comparisons_in(inner, vocabulary)
        case _:
            if (compared := comparison_of(node, vocabulary)) is not None:
                yield compared


@dataclass(frozen=True, slots=True)
class Space:
    """All situations that there are, cut at everything that any of the conditions compares with."""

    cells: Mapping[Path, Cells]
    vocabulary: Vocabulary

    @classmethod
    def of(cls, nodes: Sequence[Node], vocabulary: Vocabulary) -> "Space":
        """The space in which these conditions can be compared."""
        literals: dict[Path, set[Literal]] = {}
        for node in nodes:
            for compared in comparisons_in(node, vocabulary):
                literals.setdefault(compared.path, set()).update(compared.fitting)
        return cls(
            {
                path: Cells(vocabulary.kind(path), values)
                for path, values in literals.items()
                if len(values) <= _MOST_LITERALS
            },
            vocabulary,
        )

    def where(self, node: Node, *, at_most: bool, is_true: bool = True) -> Sequence[Box]:
        """Where a condition is true, or false: at most, or at least."""
        match node:
            case Not(inner=inner):
                return self.where(inner, at_most=at_most, is_true=not is_true)
            case Constant(value=bool() as value):
                return EVERYTHING if value is is_true else NOTHING
            case All(parts=parts) | Either(parts=parts):
                sides = [self.where(part, at_most=at_most, is_true=is_true) for part in parts]
                return _common(sides, at_most) if isinstance(node, All) is is_true else _any(sides, at_most)
        compared = comparison_of(node, self.vocabulary)
        if compared is None or compared.path not in self.cells:
            return EVERYTHING if at_most else NOTHING
        mask = self._masks(compared)[0 if is_true else 1]
        if mask == self.cells[compared.path].everything:
            return EVERYTHING
        return ({compared.path: mask},) if mask else NOTHING

    def _masks(self, compared: Comparison) -> tuple[int, int]:
        """The cells in which a comparison is true, and those in which it is false."""
        cells = self.cells[compared.path]
        at = 0
        for value in compared.fitting:
            at |= cells.at(value)
        if compared.operator == "has":
            return cells.present, cells.missing
        if compared.operator in ("==", "in"):
            return at, cells.present & ~at
        if compared.operator == "!=":
            return cells.present & ~at, at
        if not compared.fitting:
            return 0, 0  # what has no order fails
        below = cells.below(compared.fitting[0])
        true = {"<": below, "<=": below | at, ">": ~(below | at), ">=": ~below}[compared.operator] & cells.present
        return true, cells.present & ~true


def _any(sides: Sequence[Sequence[Box]], at_most: bool) -> Sequence[Box]:
    found = [box for side in sides for box in side]
    if any(not box for box in found):
        return EVERYTHING
    return found if len(found) <= _MOST_BOXES else EVERYTHING if at_most else found[:_MOST_BOXES]


def _common(sides: Sequence[Sequence[Box]], at_most: bool) -> Sequence[Box]:
    found: Sequence[Box] = EVERYTHING
    for side in sides:
        if at_most and len(found) * len(side) > _MOST_BOXES:
            continue  # what one side leaves out can be left in
        met = (meet(one, other) for one in found for other in side)
        found = [box for box in islice(met, _MOST_MEETINGS) if box is not None][:_MOST_BOXES]
    return found
