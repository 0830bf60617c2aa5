"""`/v1/offers`: what is offered, and taking and refusing it."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from services.router.adapters import reading
from services.router.api.answers import work_answer
from services.router.api.schemas import DeclineRequest, OfferAnswer, WorkAnswer
from services.router.app.command import Command
from services.router.consumers import Engines
from services.router.domain import inputs
from services.router.domain.on_offer import accepted_item
from services.router.domain.state import RoutingState
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.context import request_cause
from shared.http.etags import IfMatch, IfMatchHeader, etag
from shared.http.forwarding import allowed_here
from shared.http.idempotency import Answer, OnceHeader

Agent = Annotated[Principal, allowed_here("agents:self", "agents:write")]
Asked = Annotated[Principal, allowed("agents:self", "agents:read", "routing:read")]

Make = Callable[[RoutingState], inputs.Input]
Reply = Callable[[RoutingState], Answer]


def routes(database: Database, engines: Engines) -> APIRouter:
    """Offers."""
    router = api_router("work")

    async def submit(principal: Principal, once: OnceHeader, offer_id: UUID, make: Make, reply: Reply) -> Response:
        command = Command(
            workspace_id=principal.workspace_id,
            cause=request_cause(),
            make=make,
            answer=reply,
            offer=(offer_id, None if principal.may("agents:write") else principal.subject),
        )
        return (await engines.submit(command, once)).response()

    @router.get("/v1/offers/{offer_id}")
    async def read_offer(offer_id: UUID, response: Response, principal: Asked) -> OfferAnswer:
        """An offer, be it pending or over. Its ETag is the version of the work that is offered."""

        async def unit(tx: Tx) -> OfferAnswer:
            return OfferAnswer.model_validate(dict(await reading.offer(tx, principal.workspace_id, offer_id)))

        found = await database.transact(unit, workspaces=[principal.workspace_id])
        if found.agent_id != principal.subject and not principal.may("agents:read", "routing:read"):
            raise NotFound("There is no such offer.")
        response.headers["etag"] = etag(found.version)
        return found

    @router.post("/v1/offers/{offer_id}/accept", response_model=WorkAnswer)
    async def accept_offer(
        offer_id: UUID, principal: Agent, once: OnceHeader, if_match: IfMatchHeader
    ) -> Response:
        """Takes what is offered. The winner's repeat is answered alike; 409 when it is no longer theirs."""

        whose: list[str] = []

        def make(state: RoutingState) -> inputs.Input:
            whose[:] = [_whose(state, principal, offer_id)]
            _check_offered(state, offer_id, whose[0], if_match)
            return inputs.AcceptOffer(offer_id=offer_id, agent_id=whose[0])

        def reply(state: RoutingState) -> Answer:
            item = accepted_item(state, offer_id, whose[0])
            assert item is not None, "whoever has accepted has it"
            return Answer.of(200, work_answer(item), headers={"etag": etag(item.sequence)})

        return await submit(principal, once, offer_id, make, reply)

    @router.post("/v1/offers/{offer_id}/decline", status_code=204, response_class=Response)
    async def decline_offer(
        offer_id: UUID, declined: DeclineRequest, principal: Agent, once: OnceHeader, if_match: IfMatchHeader
    ) -> Response:
        """Refuses what is offered; it is not offered to this agent again until something has changed."""

        def make(state: RoutingState) -> inputs.Input:
            agent_id = _whose(state, principal, offer_id)
            _check_offered(state, offer_id, agent_id, if_match)
            return inputs.DeclineOffer(offer_id=offer_id, agent_id=agent_id, reason=declined.reason)

        return await submit(principal, once, offer_id, make, lambda _: Answer(204, b""))

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


def _check_offered(state: RoutingState, offer_id: UUID, agent_id: str, seen: IfMatch) -> None:
    """Raises PreconditionFailed where the work has changed since the agent saw that it is offered.

    What is said of an offer that is over, or somebody else's, is the engine's to say.
    """
    offer = state.offers.get(offer_id)
    if offer is not None and offer.agent_id == agent_id:
        seen.check(state.items[offer.work_id].sequence)
