"""`/v1/webhooks`: the systems that are told, and whether they still want to be."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.escalation.adapters.telling import gone
from services.escalation.app.ports import ServiceLevels
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.parameters import SlugPath


class WebhookState(StrEnum):
    """Whether a webhook gets anything."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class WebhookView(BaseModel):
    """A webhook that is configured."""

    id: str
    state: WebhookState
    disabled_at: datetime | None = Field(description="When it answered 410 at the address that it has now.")


class Webhooks(BaseModel):
    """Every webhook that is configured, in the configuration's order."""

    items: list[WebhookView]


def routes(database: Database, levels: ServiceLevels) -> APIRouter:
    """Webhooks that answered 410, and how they are enabled again."""
    router = api_router("webhooks")

    async def found(tx: Tx, workspace_id: str) -> list[WebhookView]:
        configured = (await levels.load(tx, [workspace_id]))[workspace_id].latest.webhooks
        since = await gone.gone(tx, [workspace_id])
        return [
            WebhookView(
                id=name,
                state=WebhookState.DISABLED if disabled_at else WebhookState.ENABLED,
                disabled_at=disabled_at,
            )
            for name, webhook in configured.items()
            for disabled_at in [since.get((workspace_id, name, webhook.url))]
        ]

    @router.get("/v1/webhooks")
    async def list_webhooks(principal: Annotated[Principal, allowed("escalation:read")]) -> Webhooks:
        """Every webhook; one that answered 410 gets nothing more until it is enabled again."""
        workspace_id = principal.workspace_id
        return Webhooks(
            items=await database.transact(lambda tx: found(tx, workspace_id), workspaces=[workspace_id])
        )

    @router.post("/v1/webhooks/{webhook_id}/enable")
    async def enable_webhook(
        webhook_id: SlugPath, principal: Annotated[Principal, allowed("escalation:write")]
    ) -> WebhookView:
        """It is told again from now on; what it was not told can be retried. A repeat changes nothing."""

        async def unit(tx: Tx) -> WebhookView:
            await gone.forget(tx, principal.workspace_id, webhook_id)
            for webhook in await found(tx, principal.workspace_id):
                if webhook.id == webhook_id:
                    return webhook
            raise NotFound

        return await database.transact(unit, workspaces=[principal.workspace_id])

    return router
