"""The router's configuration: rows that every process reads; applying it is an input of the engine."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from services.router.app.agent_parts import AgentPart
from services.router.app.command import Command
from services.router.app.configuration import RouterPart, check
from services.router.app.new_version import new_version
from services.router.consumers import Engines
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from shared.configuration import Problem
from shared.db import configuration
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput, PreconditionFailed
from shared.http.auth import Principal
from shared.http.configuration import Stored
from shared.http.context import request_cause
from shared.http.etags import IfMatch, etag
from shared.http.idempotency import Answer, Once
from shared.secrets import Vault, sealed

UrlProblem = Callable[[str], str | None]
"""What is wrong with the address of a partner, if anything."""

_ATTEMPTS = 5


class Configuring:
    """Implements `ConfigurationStore`."""

    def __init__(
        self,
        database: Database,
        engines: Engines,
        vault: Vault,
        url_problem: UrlProblem,
        *,
        is_reachable: bool,
    ) -> None:
        """is_reachable: whether it was said where the world reaches this service"""
        self._database = database
        self._engines = engines
        self._vault = vault
        self._url_problem = url_problem
        self._is_reachable = is_reachable

    async def read(self, workspace_id: str) -> Stored[RouterPart]:
        """The part that holds; built-in defaults at version 0."""

        async def unit(tx: Tx) -> Stored[RouterPart]:
            found = (await configuration.load(tx, [workspace_id])).get(workspace_id)
            return (
                Stored(found[0], configuration.part_of(RouterPart, found[1])) if found else Stored(0, RouterPart())
            )

        return await self._database.transact(unit, workspaces=[workspace_id])

    async def check(self, _workspace_id: str, part: RouterPart) -> Sequence[str]:
        """Warnings. Raises InvalidInput with a problem for each rule that the part breaks."""
        problems = tuple(self._partner_problems(part))
        try:
            # A thousand conditions take a second: others are served meanwhile.
            warnings = await asyncio.to_thread(check, part)
        except InvalidInput as refused:
            raise InvalidInput(str(refused), problems=(*refused.problems, *problems)) from None
        if problems:
            raise InvalidInput("The configuration breaks rules.", problems=problems)
        return warnings

    def _partner_problems(self, part: RouterPart) -> Iterator[Problem]:
        """Why a partner could not be told, or could not answer."""
        for index, queue in enumerate(part.queues):
            if queue.partner is None:
                continue
            place = f"/queues/{index}/partner"
            if not self._is_reachable:
                yield place, "nobody could follow its links: set WAYPOST_PUBLIC_URL of the router first"
            if problem := self._url_problem(queue.partner.url):
                yield f"{place}/url", problem

    def sealed(self, workspace_id: str, part: RouterPart) -> RouterPart:
        """The part as it is kept and shown. Raises InvalidInput for a secret that was sealed elsewhere."""
        return sealed(self._vault, workspace_id, part)

    async def apply(self, workspace_id: str, part: RouterPart, *, seen: IfMatch, by: str) -> Stored[RouterPart]:
        """Has the engine take on the part as the version after the one it has. Raises PreconditionFailed."""
        return await self._apply(workspace_id, await self.read(workspace_id), part, seen=seen, by=by)

    async def _apply(
        self, workspace_id: str, before: Stored[RouterPart], part: RouterPart, *, seen: IfMatch, by: str
    ) -> Stored[RouterPart]:
        """before: what holds, as far as this process knows"""
        # Fifteen thousand agents take a second: others are served meanwhile.
        wanted = await asyncio.to_thread(new_version, before.version, before.part, part)

        def make(state: RoutingState) -> inputs.Input:
            seen.check(state.configuration.version)
            return wanted.input(state)

        command = Command(
            workspace_id=workspace_id,
            cause=request_cause(),
            make=make,
            answer=lambda _: Answer(200, b""),
            part=part,
            by=by,
        )
        await self._engines.submit(command, Once.without_key(workspace_id, by))
        return await self.read(workspace_id)

    async def change_agent(
        self, principal: Principal, agent_id: str, seen: IfMatch, change: Callable[[AgentPart | None], AgentPart]
    ) -> int:
        """Changes or adds one agent; the version of the configuration that holds then.

        Tried again while others change the configuration, unless the caller names a version.
        """
        for attempt in range(_ATTEMPTS):
            stored = await self.read(principal.workspace_id)
            seen.check(stored.version)
            agents = {agent.id: agent for agent in stored.part.agents}
            agents[agent_id] = change(agents.get(agent_id))
            part = stored.part.model_copy(update={"agents": tuple(agents.values())})
            try:
                return (
                    await self._apply(
                        principal.workspace_id,
                        stored,
                        part,
                        seen=IfMatch(etag(stored.version)),
                        by=principal.subject,
                    )
                ).version
            except PreconditionFailed:
                if seen.is_given or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")
