"""`/v1/tickets/{ticket_id}/clocks` and `/v1/snapshots`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from services.escalation.adapters import reading
from services.escalation.api.clock_schemas import Clocks, ClockView
from services.escalation.api.clocks_csv import clocks_csv
from services.escalation.api.schemas import Published
from services.escalation.app.ports import ServiceLevels, Tracking
from services.escalation.app.publish_snapshots import publish_snapshots
from shared.db.unit_of_work import Database, Tx
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.context import request_cause
from shared.ids import IdFactory

_CHUNK = 200
"""Tickets whose clocks one commit publishes."""


def routes(database: Database, tracking: Tracking, levels: ServiceLevels, ids: IdFactory) -> APIRouter:
    """A ticket's clocks; every running clock for readers that have lost their history."""
    router = api_router("clocks")

    @router.get("/v1/tickets/{ticket_id}/clocks")
    async def read_clocks(ticket_id: UUID, principal: Annotated[Principal, allowed("escalation:read")]) -> Clocks:
        """Every SLA clock that the ticket has had, as it stands, with its history."""
        found = await _clocks(principal.workspace_id, ticket_id)
        return Clocks(items=[ClockView.of(shown, found.now) for shown in found.clocks])

    @router.get("/v1/tickets/{ticket_id}/clocks.csv", response_class=PlainTextResponse)
    async def read_clocks_as_csv(
        ticket_id: UUID, principal: Annotated[Principal, allowed("escalation:read")]
    ) -> Response:
        """The same as a table: a line for each stretch of time in which a clock stood alike."""
        found = await _clocks(principal.workspace_id, ticket_id)
        return Response(
            clocks_csv(ClockView.of(shown, found.now) for shown in found.clocks),
            media_type="text/csv; header=present",
            headers={"Content-Disposition": f'attachment; filename="clocks-{ticket_id}.csv"'},
        )

    @router.post("/v1/snapshots", status_code=202)
    async def publish(principal: Annotated[Principal, allowed("admin")]) -> Published:
        """Publishes every running clock of the workspace as it stands."""
        published, after = 0, None
        while True:
            count, after = await _publish_chunk(principal.workspace_id, after)
            published += count
            if after is None:
                return Published(published=published)

    async def _clocks(workspace_id: str, ticket_id: UUID) -> reading.TicketClocks:
        async def unit(tx: Tx) -> reading.TicketClocks:
            return await reading.ticket_clocks(tx, workspace_id, ticket_id, levels)

        return await database.transact(unit, workspaces=[workspace_id])

    async def _publish_chunk(workspace_id: str, after: UUID | None) -> tuple[int, UUID | None]:
        """How many clocks some tickets had, and the last of them; none where there are no more."""

        async def unit(tx: Tx) -> tuple[int, UUID | None]:
            keys = await tracking.live(tx, workspace_id, after, _CHUNK)
            if not keys:
                return 0, None
            cause = request_cause()
            count = await publish_snapshots(keys, cause=cause, tx=tx, tracking=tracking, levels=levels, ids=ids)
            return count, keys[-1][1]

        return await database.transact(unit, workspaces=[workspace_id])

    return router
