"""`/v1/snapshots`: publishes the present state, for readers that have lost their history."""

from typing import Annotated

from fastapi import APIRouter

from services.router.adapters.snapshots import Snapshots
from services.router.api.schemas import Published
from shared.http.app import api_router
from shared.http.auth import Principal, allowed


def routes(snapshots: Snapshots) -> APIRouter:
    """Snapshots of live work and of agents."""
    router = api_router("snapshots")

    @router.post("/v1/snapshots", status_code=202)
    async def publish_snapshots(principal: Annotated[Principal, allowed("admin")]) -> Published:
        """Publishes live work and agents as they stand. Readers take that as their baseline."""
        return Published(published=await snapshots.publish(principal.workspace_id))

    return router
