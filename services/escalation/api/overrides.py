"""`/v1/on-call/overrides` and `/v1/on-call/swaps`: somebody is on call in place of whoever's turn it is."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.escalation.adapters.rosters import PostgresRosters
from services.escalation.api.on_call_schemas import OverrideRequest, OverrideView, Swap, SwapRequest
from services.escalation.app.override_turns import add_override, end_override, swap_turns
from services.escalation.app.ports import ServiceLevels, Tracking, Watches
from services.escalation.domain.stand_in import StandIn
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.idempotency import Answer, OnceHeader
from shared.http.pagination import CursorQuery, Page, decode_id, page
from shared.http.parameters import Limit
from shared.http.types import Slug
from shared.ids import IdFactory

Reader = Annotated[Principal, allowed("escalation:read")]
Writer = Annotated[Principal, allowed("escalation:write")]


def routes(
    database: Database,
    rosters: PostgresRosters,
    tracking: Tracking,
    watches: Watches,
    levels: ServiceLevels,
    ids: IdFactory,
) -> APIRouter:
    """Overrides and swaps."""
    router = api_router("on call")

    @router.post("/v1/on-call/overrides", status_code=201, response_model=OverrideView)
    async def override(request: OverrideRequest, principal: Writer, once: OnceHeader) -> Response:
        """Puts somebody on call. 409 where somebody stands in at that time already."""

        async def unit(tx: Tx) -> Answer:
            made = await add_override(
                principal.workspace_id,
                rotation=request.rotation,
                agent=request.agent,
                start=request.start,
                end=request.end,
                reason=request.reason,
                by=principal.subject,
                tx=tx,
                rosters=rosters,
                tracking=tracking,
                watches=watches,
                levels=levels,
                ids=ids,
            )
            return Answer.of(201, OverrideView.of(made))

        return await once.transact(database, unit)

    @router.post("/v1/on-call/swaps", status_code=201, response_model=Swap)
    async def swap(request: SwapRequest, principal: Writer, once: OnceHeader) -> Response:
        """Two people take each other's shifts, or what is left of them: two overrides, both or none."""

        async def unit(tx: Tx) -> Answer:
            made = await swap_turns(
                principal.workspace_id,
                rotation=request.rotation,
                first=request.first,
                second=request.second,
                reason=request.reason,
                by=principal.subject,
                tx=tx,
                rosters=rosters,
                tracking=tracking,
                watches=watches,
                levels=levels,
                ids=ids,
            )
            return Answer.of(201, Swap(items=[OverrideView.of(half) for half in made]))

        return await once.transact(database, unit)

    @router.get("/v1/on-call/overrides")
    async def list_overrides(
        principal: Reader,
        rotation: Annotated[Slug | None, Query()] = None,
        limit: Limit = 50,
        cursor: CursorQuery = None,
    ) -> Page[OverrideView]:
        """Overrides, the newest first, also those that were withdrawn."""
        before = decode_id(cursor)

        async def unit(tx: Tx) -> Page[OverrideView]:
            found = await rosters.newest(tx, principal.workspace_id, rotation, before, limit + 1)
            return page(found, limit, _key, OverrideView.of)

        return await database.transact(unit, workspaces=[principal.workspace_id])

    @router.get("/v1/on-call/overrides/{override_id}")
    async def read_override(override_id: UUID, principal: Reader) -> OverrideView:
        """One override, whatever became of it."""
        found = await database.transact(
            lambda tx: rosters.stand_in(tx, principal.workspace_id, override_id),
            workspaces=[principal.workspace_id],
        )
        if found is None:
            raise NotFound
        return OverrideView.of(found)

    @router.delete("/v1/on-call/overrides/{override_id}", status_code=204)
    async def end(override_id: UUID, principal: Writer) -> None:
        """Withdraws what has not begun, ends what has, both halves of a swap together.

        409 for what is past: it says who was on call.
        """
        await database.transact(
            lambda tx: end_override(
                principal.workspace_id,
                override_id,
                by=principal.subject,
                tx=tx,
                rosters=rosters,
                tracking=tracking,
                watches=watches,
                levels=levels,
            ),
            workspaces=[principal.workspace_id],
        )

    return router


def _key(stand_in: StandIn) -> tuple[str]:
    return (str(stand_in.override_id),)
