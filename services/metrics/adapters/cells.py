"""Cells to rows and back. What a cell keeps of its values is one binary column."""

from collections.abc import Mapping
from struct import Struct

from sqlalchemy import Row

from services.metrics.domain.fact import Dimension, FactKind, Scope
from services.metrics.domain.rollup import Cell, CellKey, Series
from services.metrics.domain.sketch import Sketch

_VALUES, _SKETCH = b"v", b"s"
_VALUE = Struct("<q")
_ZEROS = Struct("<q")
_BIN = Struct("<iq")

COLUMNS = (
    "workspace_id",
    "dimension",
    "member",
    "kind",
    "aspect",
    "bucket",
    "facts",
    "total",
    "minimum",
    "maximum",
    "distribution",
)


def to_row(key: CellKey, cell: Cell) -> Mapping[str, object]:
    """A cell that is not empty, as a row of `rollup`."""
    return {
        "workspace_id": key.workspace_id,
        "dimension": key.series.scope.dimension.value,
        "member": key.series.scope.member,
        "kind": key.series.kind.value,
        "aspect": key.series.aspect,
        "bucket": key.bucket,
        "facts": cell.count,
        "total": cell.total,
        "minimum": cell.minimum,
        "maximum": cell.maximum,
        "distribution": _encode(cell),
    }


def to_key(row: Row[tuple[object, ...]]) -> CellKey:
    """The key of a row of `rollup`."""
    scope = Scope(Dimension(row.dimension), row.member)
    return CellKey(row.workspace_id, Series(scope, FactKind(row.kind), row.aspect), row.bucket)


def to_cell(row: Row[tuple[object, ...]]) -> Cell:
    """The cell of a row of `rollup`."""
    values, sketch = _decode(bytes(row.distribution))
    return Cell(
        count=row.facts,
        total=row.total,
        minimum=row.minimum,
        maximum=row.maximum,
        values=values,
        sketch=sketch,
    )


def _encode(cell: Cell) -> bytes:
    if cell.values is not None:
        return _VALUES + b"".join(map(_VALUE.pack, cell.values))
    sketch = cell.as_sketch()
    bins = (_BIN.pack(index, count) for index, count in sorted(sketch.bins.items()))
    return _SKETCH + _ZEROS.pack(sketch.zeros) + b"".join(bins)


def _decode(body: bytes) -> tuple[tuple[int, ...] | None, Sketch | None]:
    kind, rest = body[:1], body[1:]
    if kind == _VALUES:
        return tuple(value for (value,) in _VALUE.iter_unpack(rest)), None
    (zeros,) = _ZEROS.unpack_from(rest)
    return None, Sketch(zeros=zeros, bins=dict(_BIN.iter_unpack(rest[_ZEROS.size :])))
