"""`/v1/work-orders`: what partners were told of their work orders, and what came of telling them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.router.adapters import order_rows
from services.router.adapters.order_rows import MessageState
from services.router.app.partner_webhooks import PATH
from services.router.app.work_orders import OrderEvent
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.pagination import CursorQuery, Page, decode_cursor, page
from shared.http.parameters import Limit
from shared.http.types import Slug


class WorkOrderMessage(BaseModel):
    """One message about a work order."""

    work_order_id: UUID
    event: OrderEvent = Field(description="What it tells.")
    ticket_id: UUID
    queue: str
    state: MessageState = Field(description="`dropped`: the order had ended before it could be told.")
    attempts: int
    last_error: str | None = Field(description="Why the last attempt came to nothing, or why there is none more.")
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="The next attempt, while it is `pending`.")
    give_up_at: datetime = Field(description="No attempt is made after that.")
    finished_at: datetime | None


def routes(database: Database) -> APIRouter:
    """What partners were told, for whoever watches over it."""
    router = api_router("work orders")

    @router.get(PATH)
    async def list_work_orders(
        principal: Annotated[Principal, allowed("routing:read", "routing:write")],
        queue: Annotated[Slug | None, Query(description="Of one partner.")] = None,
        state: Annotated[MessageState | None, Query(description="How telling it stands.")] = None,
        limit: Limit = 50,
        cursor: CursorQuery = None,
    ) -> Page[WorkOrderMessage]:
        """What partners were told in the last 30 days, the newest work order first."""
        before = _position(cursor)
        rows = await database.transact(
            lambda tx: _newest(tx, principal.workspace_id, queue, state, before, limit + 1),
            workspaces=[principal.workspace_id],
        )
        return page(
            rows, limit, lambda message: (str(message.work_order_id), message.event.value), lambda message: message
        )

    return router


async def _newest(
    tx: Tx,
    workspace_id: str,
    queue: str | None,
    state: MessageState | None,
    before: tuple[UUID, OrderEvent] | None,
    most: int,
) -> list[WorkOrderMessage]:
    rows = await order_rows.newest(tx, workspace_id, queue=queue, state=state, before=before, most=most)
    return [
        WorkOrderMessage.model_validate({**row, "work_order_id": row["offer_id"], "last_error": row["detail"]})
        for row in rows
    ]


def _position(cursor: str | None) -> tuple[UUID, OrderEvent] | None:
    key = decode_cursor(cursor, str, str)
    try:
        return (UUID(str(key[0])), OrderEvent(str(key[1]))) if key else None
    except ValueError:
        raise InvalidInput("The cursor is not one of this list.", problems=(("cursor", "unknown"),)) from None
