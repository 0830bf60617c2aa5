"""Agents' desks as they change: what their streams show."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection

from services.router.adapters import reading
from services.router.api.schemas import DeskAnswer, OfferAnswer, WorkAnswer
from shared.clock import monotonic
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.http.auth import Principal, Verifier
from shared.wakeups import Wakeup

_LOOK_S = 5.0
"""How often a stream asks whether it may go on."""
_READ_S = 60.0
"""How often it reads although it was not told of anything: every commit tells, thousands of streams are open."""


class Desks:
    """Wakes the streams of agents after commits that concern them. They read rows: nothing uncommitted shows."""

    def __init__(self, database: Database, verifier: Verifier, stopping: asyncio.Event) -> None:
        self._database = database
        self._verifier = verifier
        self._stopping = stopping
        self._bells: dict[tuple[str, str], set[Wakeup]] = defaultdict(set)

    def changed(self, workspace_id: str, agents: Collection[str]) -> None:
        """Wakes whoever follows one of these agents."""
        for agent_id in agents:
            for bell in self._bells.get((workspace_id, agent_id), ()):
                bell.ring()

    def wake_all(self) -> None:
        """Wakes everybody, so that streams end when the process does."""
        for bells in self._bells.values():
            for bell in bells:
                bell.ring()

    async def follow(
        self, principal: Principal, agent_id: str, is_here: Callable[[str], bool]
    ) -> AsyncIterator[DeskAnswer]:
        """The agent's desk now and at each change, while the token is good and the process has the workspace.

        When it has moved, whoever follows connects anew, and is brought to the process that has it.
        """
        bell = Wakeup()
        key = (principal.workspace_id, agent_id)
        self._bells[key].add(bell)
        try:
            shown: DeskAnswer | None = None
            is_told, read_at = True, 0.0
            while (
                not self._stopping.is_set()
                and self._verifier.is_good(principal)
                and is_here(principal.workspace_id)
            ):
                if is_told or monotonic() - read_at >= _READ_S:
                    read_at = monotonic()
                    desk = await self._read(principal.workspace_id, agent_id)
                    if desk is None:
                        return
                    if desk != shown:
                        shown = desk
                        yield desk
                is_told = await bell.wait(_LOOK_S)
        finally:
            self._bells[key].discard(bell)
            if not self._bells[key]:
                del self._bells[key]

    async def _read(self, workspace_id: str, agent_id: str) -> DeskAnswer | None:
        async def unit(tx: Tx) -> DeskAnswer | None:
            try:
                presence = await reading.presence(tx, workspace_id, agent_id)
            except NotFound:
                return None
            offers = await reading.offers(tx, workspace_id, agent_id)
            work = await reading.work(tx, workspace_id, agent_id)
            return DeskAnswer(
                state=presence[0],
                reason=presence[1],
                offers=[OfferAnswer.model_validate(dict(row)) for row in offers],
                work=[WorkAnswer.model_validate(dict(row)) for row in work],
            )

        return await self._database.transact(unit, workspaces=[workspace_id])
