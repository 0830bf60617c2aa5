"""What was counted, and what stands behind a number: reads of facts, rollups and tracked tickets."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import TextClause, text

from services.metrics.adapters import cells, rows
from services.metrics.app.ports import Behind, Counted, PageKey
from services.metrics.app.read_tickets import moment_of, page_key
from services.metrics.domain.agent import TrackedAgent
from services.metrics.domain.fact import WHOLE, Dimension, Fact, FactKind, Scope, bucket_of
from services.metrics.domain.intervals import Span
from services.metrics.domain.kpi import Selection
from services.metrics.domain.rollup import Cell
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput

_MOST_FACTS = 200_000
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)

_SELECTIONS = "unnest(CAST(:kinds AS text[]), CAST(:aspects AS text[])) AS s (kind, aspect)"
_IN_SCOPES = (
    " AND (CAST(:queue AS text) IS NULL OR {t}.queue = :queue)"
    " AND (CAST(:channel AS text) IS NULL OR {t}.channel = :channel)"
    " AND (CAST(:agent AS text) IS NULL OR {t}.agent_id = :agent)"
    " AND (CAST(:tier AS text) IS NULL OR CAST({t}.support_tier AS text) = :tier)"
)
_FACTS_FROM = (
    f" FROM {_SELECTIONS} JOIN fact f ON f.workspace_id = :workspace AND f.kind = s.kind"
    " AND f.ended_at >= :start AND f.ended_at < :end AND (s.aspect IS NULL OR f.aspect = s.aspect)"
    + _IN_SCOPES.format(t="f")
)
_ROLLUPS = text(
    f"SELECT r.* FROM {_SELECTIONS} JOIN rollup r ON r.workspace_id = :workspace"  # noqa: S608 - a constant
    " AND r.dimension = :dimension AND r.member = :member AND r.kind = s.kind"
    " AND r.bucket >= :start AND r.bucket < :end AND (s.aspect IS NULL OR r.aspect = s.aspect)"
)
_VALUES = text(f"SELECT f.kind, f.aspect, f.ended_at, f.value {_FACTS_FROM} LIMIT {_MOST_FACTS + 1}")
_PAGE = text(
    f"SELECT f.* {_FACTS_FROM} AND (f.ended_at, f.event_id, f.kind) > (:after, CAST(:event AS uuid), :kind)"
    " ORDER BY f.ended_at, f.event_id, f.kind LIMIT :most"
)
_BACKLOG = text(
    "SELECT * FROM tracked_ticket t WHERE t.workspace_id = :workspace AND t.status IS NOT NULL"  # noqa: S608 - a constant
    " AND (CAST(:states AS text[]) IS NULL OR t.status = ANY (CAST(:states AS text[])))"
    " AND (t.opened_at, t.ticket_id) > (:after, CAST(:ticket AS uuid))"
    + _IN_SCOPES.format(t="t")
    + " ORDER BY t.opened_at, t.ticket_id LIMIT :most"
)
_WAITING = text(
    "SELECT * FROM tracked_ticket t WHERE t.workspace_id = :workspace AND t.waiting_since IS NOT NULL"  # noqa: S608 - a constant
    " AND (t.waiting_since, t.ticket_id) > (:after, CAST(:ticket AS uuid))"
    + _IN_SCOPES.format(t="t")
    + " ORDER BY t.waiting_since, t.ticket_id LIMIT :most"
)
_AGENTS = text("SELECT * FROM tracked_agent WHERE workspace_id = :workspace")

_NO_ID = UUID(int=0)


class PostgresHistory:
    """Implements the port `History`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counted(
        self, workspace_id: str, selections: Sequence[Selection], span: Span, scopes: Sequence[Scope]
    ) -> Sequence[Counted]:
        """From rollups where one scope is asked for; several at once are counted from the facts."""
        wanted = {"workspace": workspace_id, **_selected(selections), "start": span.start, "end": span.end}
        if len(scopes) > 1:
            return _counted(await self._read(workspace_id, _VALUES, {**wanted, **_members(scopes)}))
        (scope,) = scopes or (WHOLE,)
        named = {"dimension": scope.dimension.value, "member": scope.member}
        found = await self._read(workspace_id, _ROLLUPS, {**wanted, **named})
        return [Counted(row.bucket, FactKind(row.kind), row.aspect, cells.to_cell(row)) for row in found]

    async def facts(
        self,
        workspace_id: str,
        selections: Sequence[Selection],
        span: Span,
        scopes: Sequence[Scope],
        *,
        after: PageKey | None,
        most: int,
    ) -> Sequence[Behind]:
        """Facts by their end, the first of them after a place."""
        at, event_id, kind = _place_in(after)
        wanted = {
            "workspace": workspace_id,
            **_selected(selections),
            "start": span.start,
            "end": span.end,
            **_members(scopes),
            "after": at,
            "event": event_id,
            "kind": kind,
            "most": most,
        }
        return [_fact(rows.to_fact(row)) for row in await self._read(workspace_id, _PAGE, wanted)]

    async def backlog(
        self,
        workspace_id: str,
        states: frozenset[str] | None,
        scopes: Sequence[Scope],
        *,
        after: PageKey | None,
        most: int,
    ) -> Sequence[Behind]:
        """Unsolved tickets, the oldest first."""
        wanted = {"states": sorted(states) if states is not None else None, **_members(scopes)}
        found = await self._tickets(workspace_id, _BACKLOG, wanted, after, most)
        return [_ticket(row, row.status, row.opened_at) for row in found]

    async def waiting(
        self, workspace_id: str, scopes: Sequence[Scope], *, after: PageKey | None, most: int
    ) -> Sequence[Behind]:
        """Tickets that wait for an agent, the longest first."""
        found = await self._tickets(workspace_id, _WAITING, _members(scopes), after, most)
        return [_ticket(row, "waiting", row.waiting_since) for row in found]

    async def agents(self, workspace_id: str) -> Sequence[TrackedAgent]:
        """All agents that were heard of."""
        found = await self._read(workspace_id, _AGENTS, {"workspace": workspace_id})
        return [rows.to_agent(row) for row in found]

    async def _tickets(
        self,
        workspace_id: str,
        statement: TextClause,
        wanted: Mapping[str, object],
        after: PageKey | None,
        most: int,
    ) -> Sequence[rows.AnyRow]:
        at, ticket_id, _ = _place_in(after)
        page = {"workspace": workspace_id, **wanted, "after": at, "ticket": ticket_id, "most": most}
        return await self._read(workspace_id, statement, page)

    async def _read(
        self, workspace_id: str, statement: TextClause, wanted: Mapping[str, object]
    ) -> Sequence[rows.AnyRow]:
        async def unit(tx: Tx) -> Sequence[rows.AnyRow]:
            return (await tx.execute(statement, wanted)).all()

        return await self._database.transact(unit, workspaces=[workspace_id])


def _selected(selections: Sequence[Selection]) -> Mapping[str, object]:
    return {
        "kinds": [selection.kind.value for selection in selections],
        "aspects": [selection.aspect for selection in selections],
    }


def _members(scopes: Sequence[Scope]) -> Mapping[str, object]:
    asked = {scope.dimension: scope.member for scope in scopes}
    dimensions = (Dimension.QUEUE, Dimension.CHANNEL, Dimension.AGENT, Dimension.TIER)
    return {dimension.value: asked.get(dimension) for dimension in dimensions}


def _counted(found: Sequence[rows.AnyRow]) -> Sequence[Counted]:
    if len(found) > _MOST_FACTS:
        raise InvalidInput(
            "So many facts cannot be counted by several dimensions at once.", problems=(("from", "too early"),)
        )
    values: dict[tuple[datetime, str, str], list[int]] = defaultdict(list)
    for row in found:
        values[bucket_of(row.ended_at), row.kind, row.aspect].append(row.value)
    return [
        Counted(bucket, FactKind(kind), aspect, Cell.of(group)) for (bucket, kind, aspect), group in values.items()
    ]


def _place_in(after: PageKey | None) -> tuple[datetime, UUID, str]:
    """Where a page begins. Raises InvalidInput where no page names this place."""
    if after is None:
        return _FIRST, _NO_ID, ""
    try:
        return moment_of(after), UUID(after[1]), after[2]
    except (OverflowError, ValueError):
        raise InvalidInput("The cursor is not one of this list.", problems=(("cursor", "unknown"),)) from None


def _fact(fact: Fact) -> Behind:
    return Behind(
        kind=fact.kind,
        aspect=fact.aspect,
        ticket_id=fact.ticket_id,
        place=fact.place,
        value=fact.value,
        business_value=fact.business_value,
        started_at=fact.started_at,
        ended_at=fact.ended_at,
        after=page_key(fact.ended_at, str(fact.event_id), fact.kind),
    )


def _ticket(row: rows.AnyRow, kind: str, since: datetime) -> Behind:
    return Behind(
        kind=kind,
        ticket_id=row.ticket_id,
        place=rows.to_place(row),
        started_at=since,
        after=page_key(since, str(row.ticket_id)),
    )
