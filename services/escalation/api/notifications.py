"""`/v1/notifications`: who was told of what, how, and with what success."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.escalation.adapters import reading
from services.escalation.api.schemas import NotificationView, NotificationWithAttempts
from services.escalation.domain.notification import NotificationState
from shared.db.unit_of_work import Database, Tx
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.pagination import CursorQuery, Page, decode_id, page
from shared.http.parameters import Limit

Reader = Annotated[Principal, allowed("escalation:read")]
Recipient = Annotated[
    str | None, Query(max_length=320, description="The agent, address, chat or webhook that the policy names.")
]


def routes(database: Database) -> APIRouter:
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

    return router
