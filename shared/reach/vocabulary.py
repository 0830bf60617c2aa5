"""What fields can be, and their values cut into cells: within a cell no condition tells one value from another."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, floor

from shared.reach.syntax import Literal

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text: one of these values, or with none any."""

    values: frozenset[str] = frozenset()
    may_be_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A whole number from `least` to `most`."""

    least: int
    most: int
    may_be_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """True or false."""

    may_be_missing: bool = False


Kind = Text | Number | Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What conditions may read, as far as it is known what that can be.

    fields: by path; entries: of a map, what each of its entries is; same: path -> another one with the same value
    """

    fields: Mapping[Path, Kind]
    entries: Mapping[Path, Kind] = field(default_factory=dict)
    same: Mapping[Path, Path] = field(default_factory=dict)

    def known(self, path: Path) -> tuple[Path, Kind] | None:
        """The path under which a field is kept, and what it can be."""
        path = self.same.get(path, path)
        kind = self.fields.get(path) or self.entries.get(path[:-1])
        return (path, kind) if kind is not None else None

    def kind(self, path: Path) -> Kind:
        """What a known field can be."""
        known = self.known(path)
        assert known is not None, path
        return known[1]


def fits(kind: Kind, value: Literal) -> bool:
    """Whether a literal is of the type that the field has: only such a one can be equal, or greater, or less."""
    match kind:
        case Text():
            return isinstance(value, str)
        case Flag():
            return isinstance(value, bool)
        case Number():
            return isinstance(value, int | float) and not isinstance(value, bool)


def is_possible(kind: Kind, value: Literal) -> bool:
    """Whether the field can ever be this literal."""
    if not fits(kind, value):
        return False
    match kind:
        case Text(values=values):
            return not values or value in values
        case Number(least=least, most=most):
            assert isinstance(value, int | float)
            return least <= value <= most
        case Flag():
            return True


class Cells:
    """One field's possible values, cut at every literal that it is compared with. Sets of cells are bit masks.

    Cell 0 is the field's absence; then before, at and between the literals in their order, and beyond the last.
    """

    def __init__(self, kind: Kind, literals: Iterable[Literal]) -> None:
        """literals: such as fit"""
        points: set[Literal] = set(literals)
        if isinstance(kind, Text):
            points |= kind.values
        elif isinstance(kind, Flag):
            points = {False, True}
        self._points = sorted(points)  # type: ignore[type-var] # all of one type
        self.missing = 1 if kind.may_be_missing else 0
        self.present = self._present(kind)

    @property
    def everything(self) -> int:
        """All that the field can be, absence included."""
        return self.missing | self.present

    def at(self, value: Literal) -> int:
        """Where the field is this value."""
        return self._point(bisect_left(self._points, value)) & self.present  # type: ignore[type-var] # as above

    def below(self, value: Literal) -> int:
        """Where it is less."""
        first = self._point(bisect_left(self._points, value))  # type: ignore[type-var] # as above
        return (first - 1) & self.present

    def _point(self, index: int) -> int:
        return 1 << (2 * index + 2)

    def _present(self, kind: Kind) -> int:
        count = len(self._points)
        match kind:
            case Text(values=values) if values:
                return sum(self._point(i) for i in range(count) if self._points[i] in values)
            case Flag():
                return sum(map(self._point, range(count)))
            case Text():
                every = (1 << (2 * count + 2)) - 2
                # Nothing comes before the empty text.
                return every & ~2 if self._points[:1] == [""] else every
            case Number(least=least, most=most):
                return self._whole(least, most)

    def _whole(self, least: int, most: int) -> int:
        """Cells with a whole number of the range in them."""
        found = 0
        edge = least
        for index, point in enumerate(self._points):
            assert isinstance(point, int | float)
            if edge <= min(ceil(point) - 1, most):
                found |= self._point(index) >> 1
            if point == floor(point) and least <= point <= most:
                found |= self._point(index)
            edge = max(edge, floor(point) + 1)
        if edge <= most:
            found |= self._point(len(self._points)) >> 1
        return found
