"""Publishes values of workspaces and queues to topic `kpis` as they change, each at most once a second."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime

from services.metrics.app.board import Board
from services.metrics.app.boards import Boards
from services.metrics.app.outbound import to_events
from services.metrics.app.ports import Feeds
from services.metrics.app.watch import Key, Query, Watch
from services.metrics.domain.kpi import Value, Window
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.ids import IdFactory

PUBLISHED = Query(windows=(Window.NOW, Window.MINUTES_15, Window.TODAY))

_EVERY_S = 1.0
_AT_LEAST_EVERY_S = 60.0
_CHUNK = 1000

Change = tuple[str, Key, Value]


class Publisher:
    """What one shard has published of its workspaces."""

    def __init__(
        self,
        boards: Boards,
        database: Database,
        *,
        feeds: Feeds,
        ids: IdFactory,
        now: Callable[[], datetime],
    ) -> None:
        self._boards = boards
        self._database = database
        self._feeds = feeds
        self._ids = ids
        self._now = now
        self._watches: dict[str, Watch] = {}
        self._versions: dict[str, tuple[int, int]] = {}

    async def run(self, shard: Shard) -> None:
        """Publishes until the shard is drained. Raises StaleEpoch and TransientError."""
        bell = shard.bell()
        self._boards.ring(bell)
        while not shard.draining.is_set():
            changes = list(self._changes())
            for first in range(0, len(changes), _CHUNK):
                await self._publish(shard, changes[first : first + _CHUNK])
            # From its end: a publication that was held up is not followed by another one sooner.
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await shard.draining.wait()
            await bell.wait(self._pause_s())

    def _changes(self) -> Iterator[Change]:
        now = self._now()
        for workspace_id, board in self._boards.all():
            if board.next_change_at() <= now:
                board.advance(now)
            version = board.generation, board.version
            if self._versions.get(workspace_id) != version:
                self._versions[workspace_id] = version
                yield from self._changes_of(workspace_id, board)

    def _changes_of(self, workspace_id: str, board: Board) -> Iterator[Change]:
        watch = self._watches.setdefault(workspace_id, Watch(PUBLISHED, sees_age=False))
        known = set(watch.values)
        for key, value in watch.look(board).items():
            # What never had a value has none to lose.
            if key in known or value.value is not None:
                yield workspace_id, key, value

    async def _publish(self, shard: Shard, changes: list[Change]) -> None:
        by_workspace: dict[str, dict[Key, Value]] = {}
        for workspace_id, key, value in changes:
            by_workspace.setdefault(workspace_id, {})[key] = value
        counts = Counter((workspace_id, key.kpi) for workspace_id, key, _ in changes)

        async def unit(tx: Tx) -> None:
            last: Mapping[tuple[str, str], tuple[int, datetime]] = await self._feeds.advance(
                tx, counts, await tx.now()
            )
            for workspace_id, changed in by_workspace.items():
                tx.emit(to_events(workspace_id, changed, last=last, ids=self._ids))

        await self._database.transact(unit, workspaces=set(by_workspace), fence=shard.fence)

    def _pause_s(self) -> float:
        """Until time alone changes something."""
        changes_at = min((board.next_change_at() for _, board in self._boards.all()), default=None)
        if changes_at is None:
            return _AT_LEAST_EVERY_S
        return min(_AT_LEAST_EVERY_S, max(0.0, (changes_at - self._now()).total_seconds()))
