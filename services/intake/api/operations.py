"""`/v1/snapshots` and `/v1/revocations`: for who runs the installation."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StringConstraints

from services.intake.app.client_ports import States
from services.intake.app.publish_snapshot import publish_snapshot
from shared.access import RevokedTokens
from shared.db.unit_of_work import Database, Tx
from shared.events.access import AccessRevokedV1
from shared.events.envelope import new_event
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.context import request_cause
from shared.http.idempotency import Answer, OnceHeader, find
from shared.http.types import Instant, Request
from shared.ids import IdFactory

Operator = Annotated[Principal, allowed("admin")]


class SnapshotReceipt(BaseModel):
    """How many tickets were published as they stand."""

    published: int


class RevocationRequest(Request):
    """A token that is no longer good."""

    jti: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
    expires_at: Instant = Field(description="When it would have ended anyway; it is forgotten then.")


class Revocation(BaseModel):
    """A token that is no longer good, in every service within seconds."""

    jti: str
    expires_at: datetime


def routes(database: Database, states: States, revoked: RevokedTokens, ids: IdFactory) -> APIRouter:
    """Snapshots and revocations."""
    router = api_router("operations")

    @router.post("/v1/snapshots", status_code=202, response_model=SnapshotReceipt)
    async def publish_snapshots(principal: Operator, once: OnceHeader) -> Response:
        """Publishes every ticket of the workspace as it stands, for readers that have lost their history."""
        workspace_id = principal.workspace_id
        cause = request_cause()

        async def is_new(tx: Tx) -> bool:
            return (await find(tx, [once]))[0] is None

        async def some(after: UUID | None) -> list[UUID]:
            return await database.transact(
                lambda tx: publish_snapshot(workspace_id, after, cause, tx=tx, states=states, ids=ids),
                workspaces=[workspace_id],
            )

        published = 0
        if await database.transact(is_new, workspaces=[workspace_id]):
            last: UUID | None = None
            while tickets := await some(last):
                published += len(tickets)
                last = tickets[-1]

        async def unit(_tx: Tx) -> Answer:
            return Answer.of(202, SnapshotReceipt(published=published))

        return await once.transact(database, unit)

    @router.post(
        "/v1/revocations",
        status_code=201,
        response_model=Revocation,
        responses={200: {"model": Revocation, "description": "Revoked before"}},
    )
    async def revoke_token(request: RevocationRequest, principal: Operator, once: OnceHeader) -> Response:
        """Takes a token back. Every service refuses it within seconds, and cuts the streams it has opened."""
        workspace_id = principal.workspace_id
        cause = request_cause()
        data = AccessRevokedV1(jti=request.jti, expires_at=request.expires_at)

        async def unit(tx: Tx) -> Answer:
            is_new = await revoked.record(tx, [(workspace_id, data)])
            if is_new:
                tx.emit(
                    [
                        new_event(
                            data,
                            event_id=ids.new(),
                            service="intake",
                            workspace_id=workspace_id,
                            sequence=1,
                            time=await tx.now(),
                            cause=cause,
                        )
                    ]
                )
            shown = Revocation(jti=request.jti, expires_at=request.expires_at)
            return Answer.of(201 if is_new else 200, shown)

        return await once.transact(database, unit)

    return router
