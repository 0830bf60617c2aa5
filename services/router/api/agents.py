"""`/v1/agents`: who there is, and what they are."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Response

from services.router.api.agent_desk import require_self
from services.router.api.configuring import Configuring
from services.router.api.schemas import (
    AgentAnswer,
    AgentPatch,
    StateRequest,
)
from services.router.app.agent_parts import AgentPart
from services.router.app.command import Command
from services.router.consumers import Engines
from services.router.domain import inputs
from services.router.domain.agent import Agent, AgentProfile
from services.router.domain.state import RoutingState
from shared.errors import InvalidInput, NotFound, PreconditionFailed
from shared.http.app import api_router
from shared.http.auth import Principal
from shared.http.context import request_cause
from shared.http.etags import IfMatchHeader, MustBeNewHeader, etag
from shared.http.forwarding import allowed_here
from shared.http.idempotency import Answer, Once
from shared.http.pagination import CursorQuery, Page, decode_cursor, page
from shared.http.parameters import Limit, SlugPath

_READ = ("agents:read", "agents:write", "agents:self")


def routes(engines: Engines, configuring: Configuring) -> APIRouter:
    """Agents and their state."""
    router = api_router("agents")

    @router.get("/v1/agents")
    async def list_agents(
        principal: Annotated[Principal, allowed_here(*_READ)], limit: Limit = 50, cursor: CursorQuery = None
    ) -> Page[AgentAnswer]:
        """Agents by slug, with what they are and have in hand."""
        after = decode_cursor(cursor, str)
        state = engines.state(principal.workspace_id)
        people = (agent for agent in state.agents.values() if agent.profile.partner is None) if state else ()
        agents = sorted(people, key=lambda agent: agent.agent_id)
        rest = [agent for agent in agents if after is None or agent.agent_id > str(after[0])]
        return page(rest[: limit + 1], limit, lambda agent: (agent.agent_id,), agent_answer)

    @router.get("/v1/agents/{agent_id}")
    async def read_agent(
        agent_id: SlugPath, response: Response, principal: Annotated[Principal, allowed_here(*_READ)]
    ) -> AgentAnswer:
        """One agent. The ETag is the configuration's version."""
        state = engines.state(principal.workspace_id)
        agent = _agent(state, agent_id)
        assert state is not None
        response.headers["etag"] = etag(state.configuration.version)
        return agent_answer(agent)

    @router.put(
        "/v1/agents/{agent_id}",
        response_model=AgentAnswer,
        responses={201: {"model": AgentAnswer, "description": "Added"}},
    )
    async def put_agent(
        agent_id: SlugPath,
        agent: AgentPart,
        if_match: IfMatchHeader,
        must_be_new: MustBeNewHeader,
        principal: Annotated[Principal, allowed_here("agents:write")],
    ) -> Response:
        """Adds an agent, or replaces what one can do: that asks for If-Match."""
        if agent.id != agent_id:
            raise InvalidInput("The id is not that of the path.", problems=(("/id", "not that of the path"),))

        def change(before: AgentPart | None) -> AgentPart:
            if before is not None and must_be_new:
                raise PreconditionFailed
            return agent

        return (
            await configuring.change_agent(principal, agent_id, if_match, change, changed(agent_id))
        ).response()

    @router.patch("/v1/agents/{agent_id}", response_model=AgentAnswer)
    async def patch_agent(
        agent_id: SlugPath,
        patch: AgentPatch,
        if_match: IfMatchHeader,
        principal: Annotated[Principal, allowed_here("agents:write")],
    ) -> Response:
        """Changes some of what an agent can do."""

        def change(before: AgentPart | None) -> AgentPart:
            if before is None:
                raise NotFound("There is no such agent.")
            return patch.apply(before)

        return (
            await configuring.change_agent(principal, agent_id, if_match, change, changed(agent_id))
        ).response()

    def changed(agent_id: str) -> Callable[[int, RoutingState], Answer]:
        """The agent as the change has made them, with its version: others may follow before that is sent."""
        return lambda status, state: Answer.of(
            status,
            agent_answer(_agent(state, agent_id)),
            headers={"etag": etag(state.configuration.version)},
        )

    @router.put("/v1/agents/{agent_id}/state", response_model=AgentAnswer)
    async def set_state(
        agent_id: SlugPath,
        wanted: StateRequest,
        principal: Annotated[Principal, allowed_here("agents:self", "agents:write")],
    ) -> Response:
        """Makes an agent available, busy, away or offline. Leaving takes their pending offers back."""
        require_self(principal, agent_id, "agents:write")
        change = inputs.SetAgentState(agent_id=agent_id, state=wanted.state, reason=wanted.reason)
        command = Command(
            workspace_id=principal.workspace_id,
            cause=request_cause(),
            make=lambda _: change,
            answer=lambda state: Answer.of(200, agent_answer(state.agents[agent_id])),
        )
        once = Once.without_key(principal.workspace_id, principal.subject)
        return (await engines.submit(command, once)).response()

    return router


def agent_answer(agent: Agent) -> AgentAnswer:
    """An agent as the API shows it."""
    profile: AgentProfile = agent.profile
    return AgentAnswer(
        agent_id=profile.agent_id,
        name=profile.name,
        support_tier=profile.support_tier,
        teams=sorted(profile.teams),
        queues=sorted(profile.queues),
        skills=dict(sorted(profile.skills.items())),
        capacity=profile.capacity,
        is_on_duty=agent.is_on_duty,
        duty_turns_at=profile.duty.turns_at(agent.standing),
        state=agent.state,
        reason=agent.reason,
        state_since=agent.state_since,
        is_connected=agent.is_connected,
        activity=agent.activity,
        load=agent.used,
        items={kind: count for kind, count in agent.items.items() if count},
    )


def _agent(state: RoutingState | None, agent_id: str) -> Agent:
    agent = state.agents.get(agent_id) if state else None
    if agent is None:
        raise NotFound("There is no such agent.")
    return agent
