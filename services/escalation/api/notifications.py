"""`/v1/notifications`: who was told of what, how, and with what success."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.escalation.adapters.telling import reading
from services.escalation.adapters.telling.book import NotificationBook
from services.escalation.api.schemas import NotificationView, NotificationWithAttempts
from services.escalation.domain.notification import NotificationState
from shared.db.unit_of_work import Database, Tx
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.idempotency import Answer, OnceHeader
from shared.http.pagination import CursorQuery, Page, decode_id, page
from shared.http.parameters import Limit
from shared.ids import IdFactory

Reader = Annotated[Principal, allowed("escalation:read")]
Writer = Annotated[Principal, allowed("escalation:write")]
Recipient = Annotated[
    str | None, Query(max_length=320, description="The agent, address, chat or webhook that the policy names.")
]


def routes(database: Database, book: NotificationBook, ids: IdFactory) -> APIRouter:
    """Notifications, and the evidence of their delivery."""
    router = api_router("notifications")

    @router.get("/v1/notifications")
    async def list_notifications(
        principal: Reader,
        state: NotificationState | None = None,
        escalation_id: UUID | None = None,
        ticket_id: UUID | None = None,
        message_id: UUID | None = None,
        recipient: Recipient = None,
        limit: Limit = 50,
        cursor: CursorQuery = None,
    ) -> Page[NotificationView]:
        """Who was told, who could not be, and what is tried again, the newest first."""
        before = decode_id(cursor)
        wanted = reading.NotificationFilter(
            state=state,
            escalation_id=escalation_id,
            ticket_id=ticket_id,
            message_id=message_id,
            name=recipient,
        )

        async def unit(tx: Tx) -> Page[NotificationView]:
            rows = await reading.notifications(tx, principal.workspace_id, wanted, before, limit + 1)
            return page(rows, limit, lambda row: (str(row["notification_id"]),), NotificationView.of)

        return await database.transact(unit, workspaces=[principal.workspace_id])

    @router.get("/v1/notifications/{notification_id}")
    async def read_notification(notification_id: UUID, principal: Reader) -> NotificationWithAttempts:
        """One notification, with each attempt to deliver the message that it is in."""

        async def unit(tx: Tx) -> NotificationWithAttempts:
            found = await reading.notification(tx, principal.workspace_id, notification_id)
            return NotificationWithAttempts.with_attempts(*found)

        return await database.transact(unit, workspaces=[principal.workspace_id])

    @router.post(
        "/v1/notifications/{notification_id}/retry", status_code=201, response_model=NotificationWithAttempts
    )
    async def retry_notification(notification_id: UUID, principal: Writer, once: OnceHeader) -> Response:
        """Tells once more, by the way that has failed: a new notification takes the failed one's place.

        409 where it has not failed, where its escalation is resolved, or where another has taken its place.
        """

        async def unit(tx: Tx) -> Answer:
            again = await book.retry(tx, principal.workspace_id, notification_id, ids)
            found = await reading.notification(tx, principal.workspace_id, again)
            return Answer.of(201, NotificationWithAttempts.with_attempts(*found))

        return await once.transact(database, unit)

    return router
