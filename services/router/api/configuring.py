"""The router's configuration: rows that every process reads; applying it is an input of the engine."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from pydantic import ValidationError

from services.router.app.agent_parts import AgentPart
from services.router.app.command import Command
from services.router.app.configuration import RouterPart, check
from services.router.app.new_version import new_version
from services.router.consumers import Engines
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from shared.calendar_parts import CalendarPart, check_ical, years_around
from shared.clock import Clock
from shared.configuration import Problem
from shared.db import configuration
from shared.db.unit_of_work import Database, Tx
from shared.errors import IllegalTransition, InvalidInput, PreconditionFailed
from shared.http.auth import Principal
from shared.http.configuration import Stored
from shared.http.context import request_cause
from shared.http.etags import IfMatch, etag
from shared.http.idempotency import Answer, Once
from shared.secrets import Vault, sealed

UrlProblem = Callable[[str], str | None]
"""What is wrong with the address of a partner, if anything."""

_ATTEMPTS = 5
_UNREADABLE = "The stored configuration cannot be read."
_NO_VERSION = -1
"""Of a part from which nothing can be told apart: the whole of another one is given to the engine."""


class Configuring:
    """Implements `ConfigurationStore`."""

    def __init__(
        self,
        database: Database,
        engines: Engines,
        vault: Vault,
        url_problem: UrlProblem,
        clock: Clock,
        *,
        is_reachable: bool,
    ) -> None:
        """is_reachable: whether it was said where the world reaches this service"""
        self._database = database
        self._engines = engines
        self._vault = vault
        self._url_problem = url_problem
        self._clock = clock
        self._is_reachable = is_reachable

    async def read(self, workspace_id: str) -> Stored[RouterPart]:
        """The part that holds; built-in defaults at version 0."""

        async def unit(tx: Tx) -> tuple[int, object] | None:
            return (await configuration.load(tx, [workspace_id])).get(workspace_id)

        found = await self._database.transact(unit, workspaces=[workspace_id])
        return await asyncio.to_thread(_stored, *found) if found else Stored(0, RouterPart())

    async def check(self, _workspace_id: str, part: RouterPart) -> Sequence[str]:
        """Warnings. Raises InvalidInput with a problem for each rule that the part breaks."""
        problems = tuple(self._partner_problems(part))
        try:
            # A thousand conditions take a second: others are served meanwhile.
            warnings = await asyncio.to_thread(check, part)
            years = years_around(self._clock.now().year)
            problems += await asyncio.to_thread(lambda: tuple(_crowded(part.calendars, years)))
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
        before = await self.read(workspace_id)
        applied = await self._apply(workspace_id, before, part, seen=seen, by=by, answer=_version)
        return Stored(int(applied.body), part)

    async def _apply(
        self,
        workspace_id: str,
        before: Stored[RouterPart],
        part: RouterPart,
        *,
        seen: IfMatch,
        by: str,
        answer: Callable[[RoutingState], Answer],
    ) -> Answer:
        """before: what holds, as far as this process knows; answer: from the state directly after"""
        base = _NO_VERSION if before.unreadable else before.version
        # Fifteen thousand agents take a second: others are served meanwhile.
        wanted = await asyncio.to_thread(new_version, base, before.part, part)

        def make(state: RoutingState) -> inputs.Input:
            seen.check(state.configuration.version)
            return wanted.input(state)

        command = Command(
            workspace_id=workspace_id, cause=request_cause(), make=make, answer=answer, part=part, by=by
        )
        return await self._engines.submit(command, Once.without_key(workspace_id, by))

    async def change_agent(
        self,
        principal: Principal,
        agent_id: str,
        seen: IfMatch,
        change: Callable[[AgentPart | None], AgentPart],
        answer: Callable[[int, RoutingState], Answer],
    ) -> Answer:
        """Changes or adds one agent.

        Tried again while others change the configuration, unless the caller names a version.
        answer: from the status and the state directly after
        Raises ProblemError 428 where the caller does not say which version of somebody they have seen.
        """
        for attempt in range(_ATTEMPTS):
            stored = await self.read(principal.workspace_id)
            if stored.unreadable:
                raise IllegalTransition(stored.unreadable)
            agents = {agent.id: agent for agent in stored.part.agents}
            before = agents.get(agent_id)
            agents[agent_id] = change(before)
            if before is not None:
                seen.require()
            seen.check(stored.version)
            try:
                return await self._apply(
                    principal.workspace_id,
                    stored,
                    stored.part.model_copy(update={"agents": tuple(agents.values())}),
                    seen=IfMatch(etag(stored.version)),
                    by=principal.subject,
                    answer=partial(answer, 201 if before is None else 200),
                )
            except PreconditionFailed:
                if seen.names_versions or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")


def _stored(version: int, body: object) -> Stored[RouterPart]:
    """What is stored, read; fifteen thousand agents take half a second."""
    try:
        return Stored(version, configuration.part_of(RouterPart, body))
    except ValidationError:
        # Another one has to be put in its place, which is compared with this.
        return Stored(version, RouterPart(), unreadable=_UNREADABLE)


def _crowded(calendars: Sequence[CalendarPart], years: Sequence[int]) -> Iterator[Problem]:
    """Calendars of whose documents one closes more than counts."""
    for index, calendar in enumerate(calendars):
        try:
            check_ical(calendar, years)
        except ValueError as error:
            yield f"/calendars/{index}", str(error)


def _version(state: RoutingState) -> Answer:
    return Answer(200, str(state.configuration.version).encode())
