"""Rollups: what a scope's facts of one kind in one interval come to, mergeable and correctable.

A cell is a function of the multiset of its values and of nothing else: whatever the order of additions,
corrections and merges, equal facts give equal cells.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from services.metrics.domain.fact import MILLION, Fact, FactKind, Scope, bucket_of
from services.metrics.domain.sketch import Sketch, rank_of

EXACT_BELOW = 100
"""Up to here a cell keeps its values themselves: percentiles of few values are exact."""


class Summary(Protocol):
    """What can be asked of some values. Units, not millionths."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    @property
    def total(self) -> int:
        """Their sum, in millionths."""
        ...

    @property
    def minimum(self) -> int | None:
        """The least, in millionths."""
        ...

    @property
    def maximum(self) -> int | None:
        """The greatest, in millionths."""
        ...

    def quantile(self, quantile: float) -> float:
        """The value of which a share of `quantile` lies below. There must be values."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Counters that are exact, and either all values, sorted, or their sketch."""

    count: int = 0
    total: int = 0
    minimum: int | None = None
    maximum: int | None = None
    values: tuple[int, ...] | None = ()
    sketch: Sketch | None = None

    @classmethod
    def of(cls, values: Iterable[int]) -> "Cell":
        """The cell of these values."""
        ordered = tuple(sorted(values))
        if not ordered:
            return EMPTY
        is_exact = len(ordered) < EXACT_BELOW
        return cls(
            count=len(ordered),
            total=sum(ordered),
            minimum=ordered[0],
            maximum=ordered[-1],
            values=ordered if is_exact else None,
            sketch=None if is_exact else _sketch(ordered),
        )

    def quantile(self, quantile: float) -> float:
        """The value of which a share of `quantile` lies below: exact for few values, within 1 % for many."""
        if self.values is not None:
            return self.values[int(rank_of(quantile, self.count))] / MILLION
        return self.as_sketch().quantile(quantile)

    def as_sketch(self) -> Sketch:
        """The sketch of its values."""
        return self.sketch if self.sketch is not None else _sketch(self.values or ())


EMPTY = Cell()


def merged(cells: Collection[Cell]) -> Cell:
    """The cell of all their values together."""
    parts = [cell for cell in cells if cell.count]
    count = sum(cell.count for cell in parts)
    if count < EXACT_BELOW:
        return Cell.of(value for cell in parts for value in cell.values or ())
    if len(parts) == 1:
        return parts[0]
    zeros = 0
    bins: Counter[int] = Counter()
    for cell in parts:
        sketch = cell.as_sketch()
        zeros += sketch.zeros
        bins.update(sketch.bins)
    return Cell(
        count=count,
        total=sum(cell.total for cell in parts),
        minimum=min(cell.minimum for cell in parts if cell.minimum is not None),
        maximum=max(cell.maximum for cell in parts if cell.maximum is not None),
        values=None,
        sketch=Sketch(zeros=zeros, bins=dict(bins)),
    )


def corrected(cell: Cell, added: Collection[int], removed: Collection[int]) -> Cell | None:
    """The cell with values added and others taken out.

    None where the cell itself cannot tell, and has to be made anew from its facts: an extreme was taken out,
    so few are left that percentiles are exact again, or it never had what is taken out.
    """
    if not removed:
        return merged([cell, Cell.of(added)])
    left = Counter(added)
    left.subtract(removed)
    gone = [value for value, count in left.items() if count < 0]
    if cell.values is not None:
        left.update(cell.values)
        if any(left[value] < 0 for value in gone):
            return None
        return Cell.of(left.elements())
    grown = merged([cell, Cell.of(added)])
    assert grown.sketch is not None
    count = grown.count - len(removed)
    if count < EXACT_BELOW or any(value in (grown.minimum, grown.maximum) for value in gone):
        return None
    try:
        sketch = grown.sketch.minus(_sketch(removed))
    except ValueError:
        return None
    return Cell(
        count=count,
        total=grown.total - sum(removed),
        minimum=grown.minimum,
        maximum=grown.maximum,
        values=None,
        sketch=sketch,
    )


def _sketch(values: Iterable[int]) -> Sketch:
    return Sketch.of(value / MILLION for value in values)


class Series(NamedTuple):
    """What is counted for whom: all cells of one series stand side by side in time."""

    scope: Scope
    kind: FactKind
    aspect: str


class CellKey(NamedTuple):
    """One cell of a workspace."""

    workspace_id: str
    series: Series
    bucket: datetime


@dataclass(frozen=True, slots=True)
class Delta:
    """What a cell gains and loses."""

    added: list[int]
    removed: list[int]


def deltas(added: Iterable[Fact], removed: Iterable[Fact]) -> Mapping[CellKey, Delta]:
    """What facts that come and go mean for each cell. A fact that changes both goes and comes."""
    result: dict[CellKey, Delta] = {}
    for fact in removed:
        for key in cells_of(fact):
            result.setdefault(key, Delta([], [])).removed.append(fact.value)
    for fact in added:
        for key in cells_of(fact):
            result.setdefault(key, Delta([], [])).added.append(fact.value)
    return result


def cells_of(fact: Fact) -> Iterable[CellKey]:
    """The cells that a fact counts in."""
    bucket = bucket_of(fact.ended_at)
    for scope in fact.place.scopes():
        yield CellKey(fact.workspace_id, Series(scope, fact.kind, fact.aspect), bucket)
