"""`/v1/work`: work as it stands, and moving it by hand."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.router.adapters import reading
from services.router.api.answers import work_answer
from services.router.api.schemas import (
    AssignRequest,
    ReleaseRequest,
    TransferRequest,
    WorkAnswer,
)
from services.router.app.command import Command
from services.router.consumers import Engines
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.context import request_cause
from shared.http.etags import IfMatch, IfMatchHeader, etag
from shared.http.forwarding import allowed_here
from shared.http.idempotency import Answer, OnceHeader

Hands = Annotated[Principal, allowed_here("agents:self", "routing:write")]
Supervisor = Annotated[Principal, allowed_here("routing:write")]
Reader = Annotated[Principal, allowed("routing:read", "routing:write", "agents:read")]


def routes(database: Database, engines: Engines) -> APIRouter:
    """Work."""
    router = api_router("work")

    async def move(
        principal: Principal, once: OnceHeader, seen: IfMatch, ticket_id: UUID, wanted: inputs.Input
    ) -> Response:
        """What a command has made of the ticket's work item, ended or not."""
        held: list[WorkItem] = []

        def make(state: RoutingState) -> inputs.Input:
            item = state.live_item(ticket_id)
            _require_hands(item, principal)
            if item is not None:
                seen.check(item.sequence)
                held[:] = [item]
            return wanted

        def reply(state: RoutingState) -> Answer:
            item, opening = held[0], state.opening(held[0].requirements.queue)
            waits = item.is_waiting and not opening.is_open
            body = work_answer(item, opens_at=opening.until if waits else None)
            return Answer.of(200, body, headers={"etag": etag(item.sequence)})

        command = Command(workspace_id=principal.workspace_id, cause=request_cause(), make=make, answer=reply)
        return (await engines.submit(command, once)).response()

    @router.get("/v1/work/{ticket_id}")
    async def read_work(ticket_id: UUID, response: Response, principal: Reader) -> WorkAnswer:
        """The ticket's work item, the last one where it has had several. Its ETag is its version."""

        async def unit(tx: Tx) -> WorkAnswer:
            return WorkAnswer.model_validate(dict(await reading.work_of(tx, principal.workspace_id, ticket_id)))

        found = await database.transact(unit, workspaces=[principal.workspace_id])
        response.headers["etag"] = etag(found.version)
        return found

    @router.post("/v1/work/{ticket_id}/transfer", response_model=WorkAnswer)
    async def transfer_work(
        ticket_id: UUID, wanted: TransferRequest, principal: Hands, once: OnceHeader, if_match: IfMatchHeader
    ) -> Response:
        """Moves work to an agent, a queue or a support tier. It stays, 409, where the target cannot take it."""
        moved = inputs.Transfer(
            ticket_id=ticket_id,
            reason=wanted.reason,
            actor_id=principal.subject,
            agent_id=wanted.agent_id,
            queue=wanted.queue,
            support_tier=wanted.support_tier,
        )
        return await move(principal, once, if_match, ticket_id, moved)

    @router.post("/v1/work/{ticket_id}/release", response_model=WorkAnswer)
    async def release_work(
        ticket_id: UUID, released: ReleaseRequest, principal: Hands, once: OnceHeader, if_match: IfMatchHeader
    ) -> Response:
        """Gives work back to its queue."""
        back = inputs.Release(ticket_id=ticket_id, reason=released.reason, actor_id=principal.subject)
        return await move(principal, once, if_match, ticket_id, back)

    @router.post("/v1/work/{ticket_id}/complete", response_model=WorkAnswer)
    async def complete_work(
        ticket_id: UUID, principal: Hands, once: OnceHeader, if_match: IfMatchHeader
    ) -> Response:
        """Ends the wrap-up. 409 while the agent is at work on an unsolved ticket."""
        done = inputs.Complete(ticket_id=ticket_id, actor_id=principal.subject)
        return await move(principal, once, if_match, ticket_id, done)

    @router.post("/v1/work/{ticket_id}/assign", response_model=WorkAnswer)
    async def assign_work(
        ticket_id: UUID, wanted: AssignRequest, principal: Supervisor, once: OnceHeader, if_match: IfMatchHeader
    ) -> Response:
        """Gives work to an agent by hand, over their capacity if need be, whoever has it; the answer says so."""
        given = inputs.Assign(ticket_id=ticket_id, agent_id=wanted.agent_id, actor_id=principal.subject)
        return await move(principal, once, if_match, ticket_id, given)

    return router


def _require_hands(item: WorkItem | None, principal: Principal) -> None:
    """Agents move only what they have in hand themselves. Raises NotFound."""
    if not principal.may("routing:write") and (item is None or item.agent_id != principal.subject):
        raise NotFound("You have no work on this ticket.")
