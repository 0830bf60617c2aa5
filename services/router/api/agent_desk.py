"""`/v1/agents/{id}/...`: what an agent has before them: offers, work, what is next, and all of it live."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.router.adapters import reading
from services.router.api.answers import work_answer
from services.router.api.desks import Desks
from services.router.api.schemas import OfferAnswer, OfferList, WorkAnswer, WorkList
from services.router.app.command import Command
from services.router.consumers import Engines
from services.router.domain import inputs
from services.router.domain.on_next import next_for
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.context import request_cause
from shared.http.forwarding import allowed_here
from shared.http.idempotency import Answer, OnceHeader
from shared.http.parameters import SlugPath
from shared.http.problems import ProblemError

_WORK = ("agents:self", "agents:read", "routing:read")


def routes(database: Database, engines: Engines, desks: Desks) -> APIRouter:
    """An agent's desk."""
    router = api_router("agents")

    @router.post(
        "/v1/agents/{agent_id}/next",
        response_model=WorkAnswer,
        responses={204: {"description": "Nothing waits that they may serve and have room for"}},
    )
    async def take_next(
        agent_id: SlugPath,
        principal: Annotated[Principal, allowed_here("agents:self", "agents:write")],
        once: OnceHeader,
    ) -> Response:
        """Takes the first item in order that an agent may serve, over all their queues.

        204 when nothing waits for them; 409 while they are not available.
        """
        require_self(principal, agent_id, "agents:write")
        found: list[WorkItem] = []

        def make(state: RoutingState) -> inputs.Input:
            agent = state.agents.get(agent_id)
            item = next_for(state, agent) if agent else None
            found[:] = [item] if item else []
            return inputs.TakeNext(agent_id=agent_id)

        command = Command(
            workspace_id=principal.workspace_id,
            cause=request_cause(),
            make=make,
            answer=lambda _: Answer.of(200, work_answer(found[0])) if found else Answer(204, b""),
        )
        return (await engines.submit(command, once)).response()

    @router.get("/v1/agents/{agent_id}/offers")
    async def list_offers(agent_id: SlugPath, principal: Annotated[Principal, allowed(*_WORK)]) -> OfferList:
        """What is offered to an agent now, the oldest first."""
        require_self(principal, agent_id, "agents:read", "routing:read")

        async def unit(tx: Tx) -> OfferList:
            rows = await reading.offers(tx, principal.workspace_id, agent_id)
            return OfferList(items=[OfferAnswer.model_validate(dict(row)) for row in rows])

        return await database.transact(unit, workspaces=[principal.workspace_id])

    @router.get("/v1/agents/{agent_id}/work")
    async def list_work(agent_id: SlugPath, principal: Annotated[Principal, allowed(*_WORK)]) -> WorkList:
        """What an agent has in hand, the oldest first."""
        require_self(principal, agent_id, "agents:read", "routing:read")

        async def unit(tx: Tx) -> WorkList:
            rows = await reading.work(tx, principal.workspace_id, agent_id)
            return WorkList(items=[WorkAnswer.model_validate(dict(row)) for row in rows])

        return await database.transact(unit, workspaces=[principal.workspace_id])

    async def of_desk(agent_id: SlugPath, principal: Annotated[Principal, allowed_here(*_WORK)]) -> Principal:
        """Whoever may follow a desk that there is. Once a stream has begun nobody can be refused any more."""
        require_self(principal, agent_id, "agents:read", "routing:read")
        state = engines.state(principal.workspace_id)
        if state is None or agent_id not in state.agents:
            raise NotFound("There is no such agent.")
        return principal

    @router.get("/v1/agents/{agent_id}/stream", response_class=EventSourceResponse)
    async def stream_desk(
        agent_id: SlugPath, principal: Annotated[Principal, Depends(of_desk)]
    ) -> AsyncIterator[ServerSentEvent]:
        """An agent's desk: their state, offers and work, whole at the start and at each change.

        Nothing has to be resumed after a break: the first event says all that holds. The agent's own stream is
        their heartbeat: when it has ended and none is opened for a while, they are away.
        """
        is_own = principal.subject == agent_id
        with engines.attended(principal.workspace_id, agent_id) if is_own else nullcontext():
            async for desk in desks.follow(principal, agent_id, engines.holds):
                yield ServerSentEvent(data=desk, event="desk", retry=2000)

    return router


def require_self(principal: Principal, agent_id: str, *others: str) -> None:
    """Raises ProblemError 403 for somebody else's desk, unless the caller has one of these scopes."""
    if principal.subject != agent_id and not principal.may(*others):
        raise ProblemError(403, "not-allowed", "This is another agent's desk.")
