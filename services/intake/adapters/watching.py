"""Who waits for news of a ticket: streams of this process, woken by its own commits and by other processes'.

A hint may be lost, as NOTIFY may be: what is watched is also looked at every few seconds, all at once.
"""

import asyncio
import json
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import text

from services.intake.app.ports import TicketKey
from shared.db.unit_of_work import Database, Tx
from shared.errors import TransientError
from shared.wakeups import RelaySignal

CHANNEL = "ticket"
"""Of NOTIFY: its payload is ticket ids, comma-separated."""

LIVE_CHANNEL = "ticket_live"
"""Of NOTIFY: its payload is a ticket's id and what passes there, which nobody keeps."""

_LOOK_S = 2.0
_IDS_A_HINT = 200
"""A payload has at most 8,000 bytes."""

_MOST_PASSING = 32
"""What passes is of no use later: who does not look loses the oldest."""

_NOTIFY = text("SELECT pg_notify(:channel, ids) FROM unnest(CAST(:payloads AS text[])) AS ids")
_PASS = text("SELECT pg_notify(:channel, :payload)")
_ENTRIES = text(
    "SELECT t.ticket_id, t.entries"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """Something that happens at a ticket and is not kept: somebody types, or has read.

    kind: `typing` or `read`; author_kind: customer or agent; message_id: the newest that is read
    """

    kind: str
    author_kind: str
    author_id: str | None = None
    is_typing: bool | None = None
    message_id: str | None = None


class Watcher:
    """One who waits for news."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._passing: deque[Passing] = deque(maxlen=_MOST_PASSING)

    def pass_by(self, passing: Passing) -> None:
        """Something happens that is not kept."""
        self._passing.append(passing)
        self._rung.set()

    def passed(self) -> list[Passing]:
        """What has happened since it was asked last and is not kept."""
        passed = list(self._passing)
        self._passing.clear()
        return passed

    def ring(self) -> None:
        """There is news."""
        self._rung.set()

    async def has_news(self, within_s: float) -> bool:
        """Whether there is news now or within so many seconds, since it was asked last."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._rung.wait()
        has_news = self._rung.is_set()
        self._rung.clear()
        return has_news


class TicketWatch:
    """Who watches which ticket."""

    def __init__(self, relaying: RelaySignal, shards: int) -> None:
        self._relaying = relaying
        self._shards = shards
        self._watchers: dict[TicketKey, set[Watcher]] = {}
        self._by_id: dict[UUID, TicketKey] = {}
        self._seen: dict[UUID, int] = {}

    @contextmanager
    def watch(self, key: TicketKey) -> Iterator[Watcher]:
        """Tells whoever enters it when something about this ticket was committed."""
        watcher = Watcher()
        self._watchers.setdefault(key, set()).add(watcher)
        self._by_id[key[1]] = key
        try:
            yield watcher
        finally:
            self._watchers[key].discard(watcher)
            if not self._watchers[key]:
                del self._watchers[key], self._by_id[key[1]]
                self._seen.pop(key[1], None)

    async def touched(self, tx: Tx, ids: Sequence[UUID]) -> None:
        """Wakes, once this transaction has committed, who waits for news of these tickets."""
        if any(ticket_id in self._by_id for ticket_id in ids):
            tx.after_commit(lambda: self._ring(ids))
        if len(self._relaying.held) < self._shards:
            # NOTIFY takes a lock that serialises commits: only where there are other processes.
            groups = [ids[at : at + _IDS_A_HINT] for at in range(0, len(ids), _IDS_A_HINT)]
            payloads = [",".join(map(str, group)) for group in groups]
            await tx.execute(_NOTIFY, {"channel": CHANNEL, "payloads": payloads})

    def hear(self, payload: str) -> None:
        """Takes a hint of another process."""
        with suppress(ValueError):
            self._ring([UUID(ticket_id) for ticket_id in payload.split(",")])

    async def pass_on(self, database: Database, key: TicketKey, passing: Passing) -> None:
        """Tells whoever watches this ticket, in any process, what passes there. It may be lost."""
        if len(self._relaying.held) >= self._shards:
            self._pass(key[1], passing)
            return
        payload = json.dumps([str(key[1]), asdict(passing)])
        with suppress(TransientError):
            await database.transact(lambda tx: tx.execute(_PASS, {"channel": LIVE_CHANNEL, "payload": payload}))

    def hear_passing(self, payload: str) -> None:
        """Takes what another process has passed on, or this one."""
        with suppress(ValueError, TypeError):
            ticket_id, fields = json.loads(payload)
            self._pass(UUID(ticket_id), Passing(**fields))

    async def run(self, database: Database, stopping: asyncio.Event) -> None:
        """Looks every few seconds at what is watched, until `stopping`; then everybody is woken to end."""
        while not stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await stopping.wait()
            if self._watchers:
                with suppress(TransientError):
                    await self._look(database, list(self._watchers))
        self._ring(list(self._by_id))

    async def _look(self, database: Database, keys: Sequence[TicketKey]) -> None:
        parameters = {"workspaces": [key[0] for key in keys], "ids": [key[1] for key in keys]}

        async def unit(tx: Tx) -> dict[UUID, int]:
            return {row.ticket_id: row.entries for row in await tx.execute(_ENTRIES, parameters)}

        entries = await database.transact(unit, workspaces={key[0] for key in keys})
        self._ring([ticket_id for ticket_id, count in entries.items() if self._seen.get(ticket_id) != count])
        self._seen.update({ticket_id: count for ticket_id, count in entries.items() if ticket_id in self._by_id})

    def _pass(self, ticket_id: UUID, passing: Passing) -> None:
        if key := self._by_id.get(ticket_id):
            for watcher in self._watchers[key]:
                watcher.pass_by(passing)

    def _ring(self, ids: Collection[UUID]) -> None:
        for ticket_id in ids:
            if key := self._by_id.get(ticket_id):
                for watcher in self._watchers[key]:
                    watcher.ring()
