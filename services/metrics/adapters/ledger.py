"""Tracked tickets, facts and rollups in PostgreSQL: a statement a table, however many rows."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import text

from services.metrics.adapters import cells, rows, tables
from services.metrics.domain.agent import AgentKey, TrackedAgent
from services.metrics.domain.fact import BUCKET, Fact, FactId
from services.metrics.domain.rollup import EMPTY, Cell, CellKey
from services.metrics.domain.tracked import Standing, TicketKey, TrackedTicket
from shared.db.sets import transposed, upsert_set
from shared.db.unit_of_work import Tx

_SAVE_TICKETS = upsert_set(tables.tracked_ticket, rows.TICKET)
_SAVE_AGENTS = upsert_set(tables.tracked_agent, rows.AGENT)
_SAVE_FACTS = upsert_set(tables.fact, rows.FACT)
_SAVE_CELLS = upsert_set(tables.rollup, cells.COLUMNS)

_TICKETS = text(
    "SELECT t.workspace_id, t.ticket_id, t.stories"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN tracked_ticket t USING (workspace_id, ticket_id)"
)
_AGENTS = text(
    "SELECT a.* FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS text[])) AS w (workspace_id, agent_id)"
    " JOIN tracked_agent a USING (workspace_id, agent_id)"
)
_REMOVE_FACTS = text(
    "DELETE FROM fact f USING"
    " unnest(CAST(:workspaces AS text[]), CAST(:tickets AS uuid[]), CAST(:ids AS uuid[]), CAST(:kinds AS text[]))"
    " AS w (workspace_id, ticket_id, event_id, kind) WHERE f.workspace_id = w.workspace_id"
    " AND f.ticket_id = w.ticket_id AND f.event_id = w.event_id AND f.kind = w.kind"
)
_WANTED_CELLS = (
    " unnest(CAST(:workspaces AS text[]), CAST(:dimensions AS text[]), CAST(:members AS text[]),"
    " CAST(:kinds AS text[]), CAST(:aspects AS text[]), CAST(:buckets AS timestamptz[]))"
    " AS w (workspace_id, dimension, member, kind, aspect, bucket)"
)
_CELLS = text(
    f"SELECT r.* FROM {_WANTED_CELLS} JOIN rollup r"  # noqa: S608 - a constant
    " USING (workspace_id, dimension, member, kind, aspect, bucket)"
)
_REMOVE_CELLS = text(
    f"DELETE FROM rollup r USING {_WANTED_CELLS}"  # noqa: S608 - a constant
    " WHERE r.workspace_id = w.workspace_id AND r.dimension = w.dimension AND r.member = w.member"
    " AND r.kind = w.kind AND r.aspect = w.aspect AND r.bucket = w.bucket"
)
_VALUES = text(
    "SELECT w.workspace_id, w.dimension, w.member, w.kind, w.aspect, w.bucket, f.value"  # noqa: S608 - a constant
    f" FROM {_WANTED_CELLS} JOIN fact f ON f.workspace_id = w.workspace_id AND f.kind = w.kind"
    " AND f.ended_at >= w.bucket AND f.ended_at < w.bucket + CAST(:width AS interval) AND f.aspect = w.aspect"
    " AND CASE w.dimension WHEN 'queue' THEN f.queue = w.member WHEN 'channel' THEN f.channel = w.member"
    " WHEN 'agent' THEN f.agent_id = w.member WHEN 'tier' THEN CAST(f.support_tier AS text) = w.member"
    " ELSE true END"
)
_ADVANCE = text(
    "INSERT INTO kpi_feed AS k (workspace_id, kpi, sequence, last_event_at)"
    " SELECT w.*, CAST(:now AS timestamptz)"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:kpis AS text[]), CAST(:counts AS bigint[])) AS w"
    " ON CONFLICT (workspace_id, kpi) DO UPDATE SET sequence = k.sequence + excluded.sequence,"
    " last_event_at = greatest(k.last_event_at, excluded.last_event_at)"
    " RETURNING workspace_id, kpi, sequence, last_event_at"
)


class PostgresLedger:
    """Implements the ports `Ledger` and `Feeds`."""

    async def tickets(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, TrackedTicket]:
        """Those that are known."""
        if not keys:
            return {}
        wanted = {"workspaces": [key.workspace_id for key in keys], "ids": [key.ticket_id for key in keys]}
        found = [rows.to_ticket(row) for row in await tx.execute(_TICKETS, wanted)]
        return {ticket.key: ticket for ticket in found}

    async def save_tickets(self, tx: Tx, tickets: Sequence[tuple[TrackedTicket, Standing | None]]) -> None:
        """New and changed tickets, each with its part in the gauges."""
        if tickets:
            made = [rows.ticket_row(ticket, standing) for ticket, standing in tickets]
            await tx.execute(_SAVE_TICKETS, transposed(made, rows.TICKET))

    async def agents(self, tx: Tx, keys: Collection[AgentKey]) -> dict[AgentKey, TrackedAgent]:
        """Those that are known."""
        if not keys:
            return {}
        wanted = {"workspaces": [key.workspace_id for key in keys], "ids": [key.agent_id for key in keys]}
        found = [rows.to_agent(row) for row in await tx.execute(_AGENTS, wanted)]
        return {agent.key: agent for agent in found}

    async def save_agents(self, tx: Tx, agents: Sequence[TrackedAgent]) -> None:
        """New and changed agents."""
        if agents:
            await tx.execute(_SAVE_AGENTS, transposed(map(rows.agent_row, agents), rows.AGENT))

    async def save_facts(self, tx: Tx, *, gone: Collection[FactId], facts: Sequence[Fact]) -> None:
        """Removes facts, then writes new and changed ones."""
        if gone:
            ids = {
                "workspaces": [fact_id.workspace_id for fact_id in gone],
                "tickets": [fact_id.ticket_id for fact_id in gone],
                "ids": [fact_id.event_id for fact_id in gone],
                "kinds": [fact_id.kind.value for fact_id in gone],
            }
            await tx.execute(_REMOVE_FACTS, ids)
        if facts:
            await tx.execute(_SAVE_FACTS, transposed(map(rows.fact_row, facts), rows.FACT))

    async def cells(self, tx: Tx, keys: Collection[CellKey]) -> dict[CellKey, Cell]:
        """The cells that are not empty."""
        if not keys:
            return {}
        return {cells.to_key(row): cells.to_cell(row) for row in await tx.execute(_CELLS, _wanted(keys))}

    async def recount(self, tx: Tx, keys: Collection[CellKey]) -> dict[CellKey, Cell]:
        """Cells made anew from the facts that are written."""
        if not keys:
            return {}
        values: dict[CellKey, list[int]] = defaultdict(list)
        for row in await tx.execute(_VALUES, {**_wanted(keys), "width": BUCKET}):
            values[cells.to_key(row)].append(row.value)
        return {key: Cell.of(values[key]) if key in values else EMPTY for key in keys}

    async def save_cells(self, tx: Tx, changed: Mapping[CellKey, Cell]) -> None:
        """New and changed cells; those that are empty now disappear."""
        empty = [key for key, cell in changed.items() if not cell.count]
        if empty:
            await tx.execute(_REMOVE_CELLS, _wanted(empty))
        made = [cells.to_row(key, cell) for key, cell in changed.items() if cell.count]
        if made:
            await tx.execute(_SAVE_CELLS, transposed(made, cells.COLUMNS))

    async def advance(
        self, tx: Tx, counts: Mapping[tuple[str, str], int], now: datetime
    ) -> dict[tuple[str, str], tuple[int, datetime]]:
        """The last of so many new sequences by (workspace, KPI), and a time that does not go back."""
        ordered = sorted(counts)
        wanted = {
            "workspaces": [key[0] for key in ordered],
            "kpis": [key[1] for key in ordered],
            "counts": [counts[key] for key in ordered],
            "now": now,
        }
        return {
            (row.workspace_id, row.kpi): (row.sequence, row.last_event_at)
            for row in await tx.execute(_ADVANCE, wanted)
        }


def _wanted(keys: Collection[CellKey]) -> dict[str, object]:
    return {
        "workspaces": [key.workspace_id for key in keys],
        "dimensions": [key.series.scope.dimension.value for key in keys],
        "members": [key.series.scope.member for key in keys],
        "kinds": [key.series.kind.value for key in keys],
        "aspects": [key.series.aspect for key in keys],
        "buckets": [key.bucket for key in keys],
    }
