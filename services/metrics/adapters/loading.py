"""Builds a shard's boards from rows, when the shard is taken: nobody else writes them from then on."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import text

from services.metrics.adapters import cells, rows
from services.metrics.adapters.workspaces import PostgresWorkspaces
from services.metrics.app.board import LONGEST_SPAN
from services.metrics.app.boards import Boards
from services.metrics.app.today import KEPT
from services.metrics.domain.fact import FactKind
from services.metrics.domain.tracked import Standing
from shared.db import workspaces
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx

_CHUNK = 100
"""Workspaces loaded with one round of statements."""

_NAMES = "unnest(CAST(:workspaces AS text[])) AS w (workspace_id)"

_BACKLOG = text(
    "SELECT workspace_id, status, queue, channel, support_tier, agent_id, count(*) AS tickets"  # noqa: S608 - a constant
    f" FROM {_NAMES} JOIN tracked_ticket t USING (workspace_id) WHERE t.status IS NOT NULL"
    " GROUP BY workspace_id, status, queue, channel, support_tier, agent_id"
)
_WAITING = text(
    "SELECT workspace_id, ticket_id, opened_at, waiting_since, queue, channel, support_tier, agent_id"  # noqa: S608 - a constant
    f" FROM {_NAMES} JOIN tracked_ticket t USING (workspace_id) WHERE t.waiting_since IS NOT NULL"
)
_AGENTS = text(f"SELECT a.* FROM {_NAMES} JOIN tracked_agent a USING (workspace_id)")  # noqa: S608 - a constant
_FACTS = text(
    f"SELECT f.* FROM {_NAMES} CROSS JOIN unnest(CAST(:kinds AS text[])) AS k (kind)"  # noqa: S608 - a constant
    " JOIN fact f USING (workspace_id, kind) WHERE f.ended_at >= :since"
)
_CELLS = text(f"SELECT r.* FROM {_NAMES} JOIN rollup r USING (workspace_id) WHERE r.bucket >= :since")  # noqa: S608 - a constant


async def load_boards(
    database: Database, shard: Shard, configured: PostgresWorkspaces, boards: Boards, now: datetime
) -> None:
    """Fills boards with all that is stored of a shard's workspaces. Raises StaleEpoch and TransientError."""
    names = await database.transact(
        lambda tx: workspaces.of_shard(tx, shard.n), claims=[shard.n], fence=shard.fence
    )
    for chunk in _chunks(names):

        async def unit(tx: Tx, chunk: Sequence[str] = chunk) -> None:
            await _load(tx, chunk, configured, boards, now)

        await database.transact(unit, workspaces=chunk, fence=shard.fence, is_repeatable=False)


async def _load(
    tx: Tx, names: Sequence[str], configured: PostgresWorkspaces, boards: Boards, now: datetime
) -> None:
    for workspace_id, settings in (await configured.load(tx, names)).items():
        if settings.version:
            boards.of(workspace_id, settings)
    wanted = {"workspaces": list(names)}
    for row in await tx.execute(_BACKLOG, wanted):
        boards.of(row.workspace_id).gauges.add_backlog(rows.to_place(row), row.status, row.tickets)
    for row in await tx.execute(_WAITING, wanted):
        standing = Standing(
            place=rows.to_place(row), opened_at=row.opened_at, status=None, waiting_since=row.waiting_since
        )
        boards.of(row.workspace_id).gauges.move(row.ticket_id, None, standing)
    for row in await tx.execute(_AGENTS, wanted):
        boards.of(row.workspace_id).gauges.set_agent(rows.to_agent(row))
    kinds = [kind.value for kind in FactKind]
    for row in await tx.execute(_FACTS, {**wanted, "kinds": kinds, "since": now - LONGEST_SPAN}):
        boards.of(row.workspace_id).put_fact(rows.to_fact(row))
    for row in await tx.execute(_CELLS, {**wanted, "since": now - KEPT}):
        key = cells.to_key(row)
        boards.of(row.workspace_id).put_cell(key.series, key.bucket, cells.to_cell(row))


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), _CHUNK):
        yield names[first : first + _CHUNK]
