"""`/v1/offers` and `/v1/work`: taking, refusing, and moving work by hand."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.router.adapters import reading
from services.router.api.answers import work_answer
from services.router.api.schemas import (
    AssignRequest,
    DeclineRequest,
    ReleaseRequest,
    TransferRequest,
    WorkAnswer,
)
from services.router.app.command import Command
from services.router.consumers import Engines
from services.router.domain import inputs
from services.router.domain.on_offer import accepted_item
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

Agent = Annotated[Principal, allowed_here("agents:self", "agents:write")]
Hands = Annotated[Principal, allowed_here("agents:self", "routing:write")]
Supervisor = Annotated[Principal, allowed_here("routing:write")]
Reader = Annotated[Principal, allowed("routing:read", "routing:write", "agents:read")]

Make = Callable[[RoutingState], inputs.Input]
Reply = Callable[[RoutingState], Answer]


def routes(database: Database, engines: Engines) -> APIRouter:
    """Offers and work."""
    router = api_router("work")

    async def submit(
        principal: Principal, once: OnceHeader, make: Make, reply: Reply, offer_id: UUID | None = None
    ) -> Response:
        command = Command(
            workspace_id=principal.workspace_id,
            cause=request_cause(),
            make=make,
            answer=reply,
            offer=(offer_id, None if principal.may("agents:write") else principal.subject) if offer_id else None,
        )
        return (await engines.submit(command, once)).response()

    @router.post("/v1/offers/{offer_id}/accept", response_model=WorkAnswer)
    async def accept_offer(offer_id: UUID, principal: Agent, once: OnceHeader) -> Response:
        """Takes what is offered. The winner's repeat is answered alike; 409 when it is no longer theirs."""

        whose: list[str] = []

        def make(state: RoutingState) -> inputs.Input:
            whose[:] = [_whose(state, principal, offer_id)]
            return inputs.AcceptOffer(offer_id=offer_id, agent_id=whose[0])

        def reply(state: RoutingState) -> Answer:
            item = accepted_item(state, offer_id, whose[0])
            assert item is not None, "whoever has accepted has it"
            return Answer.of(200, work_answer(item))

        return await submit(principal, once, make, reply, offer_id)

    @router.post("/v1/offers/{offer_id}/decline", status_code=204, response_class=Response)
    async def decline_offer(
        offer_id: UUID, declined: DeclineRequest, principal: Agent, once: OnceHeader
    ) -> Response:
        """Refuses what is offered; it is not offered to this agent again until something has changed."""

        def make(state: RoutingState) -> inputs.Input:
            agent_id = _whose(state, principal, offer_id)
            return inputs.DeclineOffer(offer_id=offer_id, agent_id=agent_id, reason=declined.reason)

        return await submit(principal, once, make, lambda _: Answer(204, b""), offer_id)

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

        return await submit(principal, once, make, reply)

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


def _whose(state: RoutingState, principal: Principal, offer_id: UUID) -> str:
    """For whom the caller answers an offer: for themselves, or as a supervisor for whoever was asked."""
    if not principal.may("agents:write"):
        return principal.subject
    if offer := state.offers.get(offer_id):
        return offer.agent_id
    # A repeat, or an offer that is over: who had it is looked for, among those who have something in hand.
    held = (agent_id for agent_id in state.agents if accepted_item(state, offer_id, agent_id))
    return next(held, principal.subject)


def _require_hands(item: WorkItem | None, principal: Principal) -> None:
    """Agents move only what they have in hand themselves. Raises NotFound."""
    if not principal.may("routing:write") and (item is None or item.agent_id != principal.subject):
        raise NotFound("You have no work on this ticket.")
