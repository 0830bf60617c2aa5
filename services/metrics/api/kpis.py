"""`/v1/kpis`: current values, their history, and what stands behind them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from services.metrics.adapters.workspaces import PostgresWorkspaces
from services.metrics.api.asked import (
    NamePath,
    SinceQuery,
    UntilQuery,
    board_query,
    one_scope,
    require_small,
    span_of,
    variant_of,
)
from services.metrics.api.schemas import (
    Counted,
    CurrentValues,
    Definition,
    KpiSeries,
    SeriesPoint,
    TargetedValue,
    WindowStart,
    plain_value,
)
from services.metrics.app.live import Live
from services.metrics.app.ports import History, PageKey
from services.metrics.app.read_series import read_series
from services.metrics.app.read_tickets import read_tickets
from services.metrics.app.watch import Query as BoardQuery
from services.metrics.app.watch import values_of
from services.metrics.domain.definitions import KPIS
from services.metrics.domain.fact import Scope
from services.metrics.domain.intervals import Interval, Span, day_start
from services.metrics.domain.kpi import GaugeMeasure, Window
from shared.errors import NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.forwarding import allowed_here
from shared.http.pagination import CursorQuery, Page, decode_cursor, page
from shared.http.parameters import Limit

_ENDLESS = datetime(2100, 1, 1, tzinfo=UTC)


def routes(live: Live, history: History, workspaces: PostgresWorkspaces, now: Callable[[], datetime]) -> APIRouter:
    """Reading numbers."""
    router = api_router("kpis")

    @router.get("/v1/definitions")
    async def list_definitions(_: Annotated[Principal, allowed("metrics:read")]) -> list[Definition]:
        """Every KPI there is, and what it means."""
        return [Definition.of(kpi) for kpi in KPIS]

    @router.get("/v1/kpis")
    async def read_kpis(
        principal: Annotated[Principal, allowed_here("metrics:read")],
        query: Annotated[BoardQuery, Depends(board_query)],
    ) -> CurrentValues:
        """Current values."""
        held, boards = await live.of(principal.workspace_id)
        board = boards.of(principal.workspace_id)
        require_small(query, board)
        as_of = now()
        board.advance(as_of)
        targets = board.settings.targets
        return CurrentValues(
            as_of=as_of,
            is_stale=held.hub.is_stale(),
            windows={
                window: WindowStart(start=board.window_start(window))
                for window in query.windows
                if window is not Window.NOW
            },
            values=[
                TargetedValue.model_validate(
                    {**plain_value(key, value), "target": targets.get((key.kpi, key.scope))}
                )
                for key, value in values_of(query, board)
            ],
        )

    @router.get("/v1/kpis/{name}/series")
    async def read_kpi_series(
        name: NamePath,
        principal: Annotated[Principal, allowed("metrics:read")],
        scopes: Annotated[Sequence[Scope], Depends(one_scope)],
        since: SinceQuery = None,
        until: UntilQuery = None,
        interval: Annotated[Interval, Query(description="Days are the workspace's.")] = Interval.HOUR,
    ) -> KpiSeries:
        """History. The first and the last interval are whole, even where the span begins or ends in them."""
        variant = variant_of(name)
        if isinstance(variant.measure, GaugeMeasure):
            raise NotFound("This KPI only has a present value.")
        settings = await workspaces.settings(principal.workspace_id)
        points, next_from = await read_series(
            variant.measure,
            span_of(since, until, usual=Span(day_start(now(), settings.zone), now())),
            interval,
            settings.zone,
            workspace_id=principal.workspace_id,
            scopes=scopes,
            history=history,
        )
        return KpiSeries(
            kpi=name,
            version=variant.kpi.version,
            unit=variant.kpi.unit,
            interval=interval,
            time_zone=settings.zone.key,
            scope={scope.dimension.value: scope.member for scope in scopes},
            points=[SeriesPoint.of(point) for point in points],
            next_from=next_from,
        )

    @router.get("/v1/kpis/{name}/tickets")
    async def list_kpi_tickets(
        name: NamePath,
        principal: Annotated[Principal, allowed("metrics:read")],
        scopes: Annotated[Sequence[Scope], Depends(one_scope)],
        since: SinceQuery = None,
        until: UntilQuery = None,
        part: Annotated[
            Literal["all", "hits"], Query(description="Of a share: what its denominator, or its numerator counts.")
        ] = "all",
        limit: Limit = 50,
        cursor: CursorQuery = None,
    ) -> Page[Counted]:
        """The facts, tickets or agents that a number counts. Gauges are as of now, whatever the span."""
        variant = variant_of(name)
        settings = await workspaces.settings(principal.workspace_id)
        rows = await read_tickets(
            variant.measure,
            only_hits=part == "hits",
            workspace_id=principal.workspace_id,
            span=span_of(since, until, usual=Span(day_start(now(), settings.zone), _ENDLESS)),
            scopes=scopes,
            roster=settings.roster,
            after=_place(cursor),
            most=limit + 1,
            history=history,
        )
        return page(rows, limit, lambda row: row.after, Counted.of)

    return router


def _place(cursor: str | None) -> PageKey | None:
    key = decode_cursor(cursor, int, str, str)
    if key is None:
        return None
    at, first, second = key
    return int(at), str(first), str(second)
