"""Those who wait for what becomes of a mail that they brought."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

from services.intake.adapters.email.raws import PostgresRaws, StoredRaw
from services.intake.app.mail_ports import Outcome, RawState
from shared.clock import monotonic
from shared.db.unit_of_work import Database

_FIRST_S = 0.2
_POLL_S = 0.5


class Waiters:
    """Who waits in this process."""

    def __init__(self, database: Database, raws: PostgresRaws) -> None:
        self._database = database
        self._raws = raws
        self._waiting: dict[UUID, asyncio.Future[StoredRaw]] = {}

    @contextmanager
    def waiting(self, raw_id: UUID) -> Iterator["Waiting"]:
        """One who brings a mail, from before it is stored under this id."""
        told = self._waiting[raw_id] = asyncio.get_running_loop().create_future()
        try:
            yield Waiting(raw_id, told, self._database, self._raws)
        finally:
            self._waiting.pop(raw_id, None)

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Tells those who wait."""
        for outcome in outcomes:
            told = self._waiting.get(outcome.raw.raw_id)
            if told and not told.done():
                told.set_result(StoredRaw.of(outcome))


@dataclass(frozen=True, slots=True)
class Waiting:
    """One who waits. told: by whoever settles the mail, if that happens in this process"""

    raw_id: UUID
    told: "asyncio.Future[StoredRaw]"
    database: Database
    raws: PostgresRaws

    async def outcome(self, workspace_id: str, stored_as: UUID, *, within_s: float) -> StoredRaw:
        """What has become of the mail, at the latest after so many seconds.

        stored_as: another id than this one's where the request came before
        """
        deadline = monotonic() + within_s
        if stored_as == self.raw_id and (told := await self._told(deadline, _FIRST_S)):
            return told
        while True:
            stored = await self.database.transact(
                lambda tx: self.raws.find(tx, workspace_id, stored_as), workspaces=[workspace_id]
            )
            if stored.state is not RawState.RECEIVED or monotonic() >= deadline:
                return stored
            if told := await self._told(deadline, _POLL_S):
                return told

    async def _told(self, deadline: float, for_s: float) -> StoredRaw | None:
        """None after a while: another process may hold the shard, and tells nobody."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(for_s, deadline - monotonic())):
                return await asyncio.shield(self.told)
        return None
