"""Facts and rollups side by side, with their shard standing still."""

from collections.abc import Iterable, Mapping

from sqlalchemy import text

from services.metrics.adapters import cells, rows
from services.metrics.domain.fact import Fact, FactKind
from services.metrics.domain.intervals import Span
from services.metrics.domain.rollup import Cell, CellKey
from shared.db.shards import Shard
from shared.db.unit_of_work import Tx
from shared.errors import StaleEpoch

# Every commit of the shard's holder shares this row; alone with it, nothing moves.
_STOP = text("SELECT n FROM shard WHERE n = :n AND epoch = :epoch FOR UPDATE")
_FACTS = text(
    "SELECT f.* FROM unnest(CAST(:kinds AS text[])) AS k (kind) JOIN fact f ON f.workspace_id = :workspace"
    " AND f.kind = k.kind AND f.ended_at >= :start AND f.ended_at < :end"
)
_CELLS = text("SELECT * FROM rollup WHERE workspace_id = :workspace AND bucket >= :start AND bucket < :end")


class PostgresBooks:
    """Implements the port `Books`."""

    async def stop_shard(self, tx: Tx, shard: Shard) -> None:
        """Keeps everybody else from writing for a shard until the end of the transaction. Raises StaleEpoch."""
        if (await tx.execute(_STOP, {"n": shard.n, "epoch": shard.epoch})).first() is None:
            raise StaleEpoch

    async def facts_in(self, tx: Tx, workspace_id: str, span: Span) -> Iterable[Fact]:
        """The facts that ended in a span."""
        kinds = [kind.value for kind in FactKind]
        found = await tx.execute(_FACTS, {**_span(workspace_id, span), "kinds": kinds})
        return [rows.to_fact(row) for row in found]

    async def cells_in(self, tx: Tx, workspace_id: str, span: Span) -> Mapping[CellKey, Cell]:
        """The rollups whose buckets begin in a span."""
        found = await tx.execute(_CELLS, _span(workspace_id, span))
        return {cells.to_key(row): cells.to_cell(row) for row in found}


def _span(workspace_id: str, span: Span) -> dict[str, object]:
    return {"workspace": workspace_id, "start": span.start, "end": span.end}
