"""`/v1/deliveries`: what could not be delivered or waits to leave, and to have it sent again."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.intake.adapters.outbound.deliveries import PostgresDeliveries
from services.intake.api.callers import Clerk, Reader
from services.intake.app.delivery_ports import ListedDelivery
from services.intake.domain.message import DeliveryState
from shared.db.unit_of_work import Database, Tx
from shared.http.app import api_router
from shared.http.idempotency import Answer, OnceHeader
from shared.http.pagination import CursorQuery, Page, decode_id, page
from shared.http.parameters import Limit
from shared.http.types import Slug
from shared.vocabulary import ChannelKind

ListedState = Literal[DeliveryState.QUEUED, DeliveryState.FAILED, DeliveryState.BOUNCED]
_LOST: list[ListedState] = [DeliveryState.FAILED, DeliveryState.BOUNCED]


class ListedDeliveryResource(BaseModel):
    """A message on its way. `GET /v1/messages/{message_id}` shows what it says."""

    message_id: UUID
    ticket_id: UUID
    ticket_number: int
    channel: str
    channel_kind: ChannelKind
    state: DeliveryState
    attempts: int
    queued_at: datetime
    next_attempt_at: datetime | None
    failed_at: datetime | None
    last_error: str | None

    @classmethod
    def of(cls, delivery: ListedDelivery) -> Self:
        """As it is shown."""
        return cls.model_validate(delivery, from_attributes=True)


def routes(database: Database, deliveries: PostgresDeliveries) -> APIRouter:
    """The list, and another try."""
    router = api_router("deliveries")

    @router.get("/v1/deliveries")
    async def list_deliveries(
        principal: Reader,
        state: Annotated[
            list[ListedState], Query(max_length=3, description="Any of these; without it what is lost.")
        ] = _LOST,
        channel: Slug | None = None,
        limit: Limit = 50,
        cursor: CursorQuery = None,
    ) -> Page[ListedDeliveryResource]:
        """Messages that could not be delivered, or that wait to leave, the newest first."""
        before = decode_id(cursor)
        workspace_id = principal.workspace_id

        async def unit(tx: Tx) -> list[ListedDelivery]:
            return await deliveries.listed(tx, workspace_id, state, channel, before, limit + 1)

        found = await database.transact(unit, workspaces=[workspace_id])
        return page(found, limit, lambda item: (str(item.message_id),), ListedDeliveryResource.of)

    @router.post("/v1/deliveries/{message_id}/retry", response_model=ListedDeliveryResource)
    async def retry_delivery(message_id: UUID, principal: Clerk, once: OnceHeader) -> Response:
        """Has a message sent again that failed or bounced, under the same id. 409 for any other."""
        key = principal.workspace_id, message_id

        async def unit(tx: Tx) -> Answer:
            return Answer.of(200, ListedDeliveryResource.of(await deliveries.again(tx, key)))

        return await once.transact(database, unit)

    return router
