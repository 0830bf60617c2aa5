"""Answers *why not this agent* by deciding again what led there, from the last checkpoint before."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import RowMapping

from services.router.adapters.checkpoints import Checkpoints
from services.router.adapters.reading import DecisionRow
from services.router.adapters.recorded import Place, Recording, to_recorded
from services.router.adapters.rows import record_of
from services.router.app.replay import Rerun
from services.router.domain.why_not import Given, WhyNot, is_choice, why_not
from shared.db.unit_of_work import Database
from shared.errors import DomainError, Unavailable

_WITHIN_S = 10.0
_MOST_INPUTS = 20_000
"""Twice as many as there are before the next checkpoint of a workspace of usual size."""
_MOST_ROWS = 50_000
"""Rows of a checkpoint that are worth loading for one answer."""
_PAGE = 200

_SLACK = timedelta(minutes=1)
"""By how much the clocks of two processes that decided one after the other may differ, generously."""

_OTHERWISE = "This release decides otherwise than the one that recorded: it cannot be told any more."
_TOO_FAR = "What led there is too much to be decided again for one answer: use `waypost replay`."


class WhyNots:
    """Replays for answers, one at a time: the engines of this process have work to do."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._checkpoints = Checkpoints(database)
        self._turn = asyncio.Lock()

    async def answer(
        self, workspace_id: str, decisions: Sequence[DecisionRow], agent_id: str
    ) -> Mapping[int, WhyNot]:
        """Why each choice among these decisions was not of this agent, by the decision's id.

        Raises Unavailable where it takes too long.
        """
        wanted = [row for row in decisions if is_choice(row.decision)]
        found: dict[int, WhyNot] = {}
        if not wanted:
            return found
        try:
            async with asyncio.timeout(_WITHIN_S), self._turn:
                starts: dict[Place, list[DecisionRow]] = {}
                for row in wanted:
                    place, rows = await self._checkpoints.before(workspace_id, row.decision_id)
                    if rows > _MOST_ROWS:
                        raise Unavailable(_TOO_FAR)
                    starts.setdefault(place, []).append(row)
                for place, group in starts.items():
                    found |= await self._replayed(workspace_id, place, group, agent_id)
        except TimeoutError:
            raise Unavailable(_TOO_FAR) from None
        return found

    async def _replayed(
        self, workspace_id: str, place: Place, wanted: Sequence[DecisionRow], agent_id: str
    ) -> dict[int, WhyNot]:
        search = _Search(Rerun(await self._checkpoints.state(workspace_id, place)), agent_id, list(wanted))
        until = max(row.decided_at for row in wanted) + _SLACK
        count = 0
        async for page in Recording(self._database, workspace_id).pages(place.input_id, _PAGE):
            await asyncio.to_thread(search.through, page)
            count += len(page)
            if not search.wanted or page[-1]["decided_at"] > until:
                break
            if count >= _MOST_INPUTS:
                raise Unavailable(_TOO_FAR)
        otherwise = WhyNot(agent_id=agent_id, reason="not_reproduced", words=_OTHERWISE)
        return {**{row.decision_id: otherwise for row in search.wanted}, **search.found}


@dataclass(slots=True)
class _Search:
    """Recorded choices that are looked for among what is decided again."""

    rerun: Rerun
    agent_id: str
    wanted: list[DecisionRow]
    found: dict[int, WhyNot] = field(default_factory=dict)

    def through(self, page: Sequence[RowMapping]) -> None:
        """Decides these inputs again, until everything was found."""
        times = {row.decided_at for row in self.wanted}
        for row in page:
            if not self.wanted:
                return
            recorded = to_recorded(row)
            try:
                for made in self.rerun.feed(recorded):
                    if recorded.decided_at in times and isinstance(made, Given) and is_choice(made):
                        self._look(made)
            except DomainError:
                continue  # this release refuses it: what follows is not what was recorded, and is not found

    def _look(self, made: Given) -> None:
        """Answers while the state is as it was directly after the choice."""
        record = record_of(made)
        for row in self.wanted:
            if row.decision == made or row.record == record:
                self.found[row.decision_id] = why_not(self.rerun.state, made, self.agent_id)
                self.wanted.remove(row)
                return
