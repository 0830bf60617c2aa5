"""Makes rollups anew from the facts of a span, and says where they differed. They never should.

The span is taken hour by hour: while one is compared, its shard stands still.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from services.metrics.app.boards import Boards
from services.metrics.app.ports import Ledger
from services.metrics.domain.fact import Fact
from services.metrics.domain.intervals import Span
from services.metrics.domain.rollup import EMPTY, Cell, CellKey, cells_of
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx

_AT_ONCE = timedelta(hours=1)
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell that was not what its facts come to."""

    key: CellKey
    stored: Cell
    counted: Cell


@dataclass(slots=True)
class Comparison:
    """What came of it: the cells looked at, those that differed, the first of them in full."""

    cells: int = 0
    different: int = 0
    differences: list[Difference] = field(default_factory=list)


class Books(Protocol):
    """Facts and rollups side by side."""

    async def stop_shard(self, tx: Tx, shard: Shard) -> None:
        """Keeps everybody else from writing for a shard until the end of the transaction. Raises StaleEpoch."""
        ...

    async def facts_in(self, tx: Tx, workspace_id: str, span: Span) -> Iterable[Fact]:
        """The facts that ended in a span."""
        ...

    async def cells_in(self, tx: Tx, workspace_id: str, span: Span) -> Mapping[CellKey, Cell]:
        """The rollups whose buckets begin in a span."""
        ...


async def rebuild(
    workspace_id: str,
    span: Span,
    *,
    is_dry_run: bool,
    shard: Shard,
    boards: Boards,
    database: Database,
    books: Books,
    ledger: Ledger,
) -> Comparison:
    """Compares, and repairs unless it is a dry run. The span is made of whole base intervals."""
    result = Comparison()
    for piece in _pieces(span):

        async def unit(tx: Tx, piece: Span = piece) -> tuple[int, list[Difference]]:
            await books.stop_shard(tx, shard)
            stored = await books.cells_in(tx, workspace_id, piece)
            counted = _count(await books.facts_in(tx, workspace_id, piece))
            keys = stored.keys() | counted.keys()
            found = [
                Difference(key, stored.get(key, EMPTY), counted.get(key, EMPTY))
                for key in sorted(keys)
                if stored.get(key, EMPTY) != counted.get(key, EMPTY)
            ]
            if found and not is_dry_run:
                right = {difference.key: difference.counted for difference in found}
                await ledger.save_cells(tx, right)
                tx.after_commit(lambda: boards.put_cells(right))
            return len(keys), found

        cells, found = await database.transact(unit, workspaces=[workspace_id])
        result.cells += cells
        result.different += len(found)
        result.differences += found[: _SHOWN - len(result.differences)]
    return result


def _count(facts: Iterable[Fact]) -> Mapping[CellKey, Cell]:
    values: dict[CellKey, list[int]] = defaultdict(list)
    for fact in facts:
        for key in cells_of(fact):
            values[key].append(fact.value)
    return {key: Cell.of(group) for key, group in values.items()}


def _pieces(span: Span) -> Iterator[Span]:
    start = span.start
    while start < span.end:
        end = min(start + _AT_ONCE, span.end)
        yield Span(start, end)
        start = end
