"""`/v1/escalations` and `/v1/tickets/{ticket_id}/escalations`."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import RowMapping

from services.escalation.adapters import reading
from services.escalation.api.schemas import EscalationRequest, EscalationView, SnoozeRequest
from services.escalation.app.ports import ServiceLevels, Tracking, Watches
from services.escalation.app.raise_escalation import raise_escalation
from services.escalation.app.settle_escalation import acknowledge_escalation, resolve_escalation, snooze_escalation
from shared.db.unit_of_work import Database, Tx
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.context import request_cause
from shared.http.idempotency import Answer, OnceHeader
from shared.http.pagination import CursorQuery, Page, decode_id, page
from shared.http.parameters import Limit
from shared.ids import IdFactory
from shared.vocabulary import EscalationState

Reader = Annotated[Principal, allowed("escalation:read")]
Writer = Annotated[Principal, allowed("escalation:write")]


def routes(
    database: Database, tracking: Tracking, watches: Watches, levels: ServiceLevels, ids: IdFactory
) -> APIRouter:
    """Escalations."""
    router = api_router("escalations")

    @router.post("/v1/tickets/{ticket_id}/escalations", status_code=201, response_model=EscalationView)
    async def escalate_ticket(
        ticket_id: UUID, request: EscalationRequest, principal: Writer, once: OnceHeader
    ) -> Response:
        """Escalates a ticket by hand. The first steps are taken when the answer comes."""

        async def unit(tx: Tx) -> Answer:
            escalation = await raise_escalation(
                (principal.workspace_id, ticket_id),
                policy_id=request.policy,
                reason=request.reason,
                by=principal.subject,
                cause=request_cause(),
                tx=tx,
                tracking=tracking,
                levels=levels,
                ids=ids,
            )
            return Answer.of(201, EscalationView.of(escalation))

        return await once.transact(database, unit)

    @router.get("/v1/escalations")
    async def list_escalations(
        principal: Reader,
        state: EscalationState | None = None,
        ticket_id: UUID | None = None,
        limit: Limit = 50,
        cursor: CursorQuery = None,
    ) -> Page[EscalationView]:
        """Escalations, the newest first."""
        before = decode_id(cursor)

        async def unit(tx: Tx) -> Page[EscalationView]:
            rows = await reading.escalations(tx, principal.workspace_id, state, ticket_id, before, most=limit + 1)
            return page(rows, limit, _key("escalation_id"), EscalationView.of)

        return await database.transact(unit, workspaces=[principal.workspace_id])

    @router.get("/v1/escalations/{escalation_id}")
    async def read_escalation(escalation_id: UUID, principal: Reader) -> EscalationView:
        """One escalation."""

        async def unit(tx: Tx) -> EscalationView:
            return EscalationView.of(await reading.escalation(tx, principal.workspace_id, escalation_id))

        return await database.transact(unit, workspaces=[principal.workspace_id])

    @router.post("/v1/escalations/{escalation_id}/acknowledge", response_model=EscalationView)
    async def acknowledge(escalation_id: UUID, principal: Writer, once: OnceHeader) -> Response:
        """Takes it on: no further step is taken."""

        async def unit(tx: Tx) -> Answer:
            escalation = await acknowledge_escalation(
                principal.workspace_id,
                escalation_id,
                by=principal.subject,
                cause=request_cause(),
                tx=tx,
                tracking=tracking,
                watches=watches,
                levels=levels,
                ids=ids,
            )
            return Answer.of(200, EscalationView.of(escalation))

        return await once.transact(database, unit)

    @router.post("/v1/escalations/{escalation_id}/snooze", response_model=EscalationView)
    async def snooze(escalation_id: UUID, request: SnoozeRequest, principal: Writer, once: OnceHeader) -> Response:
        """Puts it off: then it goes on where it was."""
        until = request.until or request.duration
        assert until is not None

        async def unit(tx: Tx) -> Answer:
            escalation = await snooze_escalation(
                principal.workspace_id,
                escalation_id,
                until=until,
                by=principal.subject,
                cause=request_cause(),
                tx=tx,
                tracking=tracking,
                watches=watches,
                levels=levels,
                ids=ids,
            )
            return Answer.of(200, EscalationView.of(escalation))

        return await once.transact(database, unit)

    @router.post("/v1/escalations/{escalation_id}/resolve", response_model=EscalationView)
    async def resolve(escalation_id: UUID, principal: Writer, once: OnceHeader) -> Response:
        """Ends it: steps to come are dropped."""

        async def unit(tx: Tx) -> Answer:
            escalation = await resolve_escalation(
                principal.workspace_id,
                escalation_id,
                by=principal.subject,
                cause=request_cause(),
                tx=tx,
                tracking=tracking,
                watches=watches,
                levels=levels,
                ids=ids,
            )
            return Answer.of(200, EscalationView.of(escalation))

        return await once.transact(database, unit)

    return router


def _key(name: str) -> Callable[[RowMapping], tuple[str]]:
    """The cursor key of a row: its id."""
    return lambda row: (str(row[name]),)
