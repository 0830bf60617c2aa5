"""Which shards' boards this process has, and since when they are complete."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from services.metrics.app.boards import Boards
from services.metrics.app.configuration import WorkspaceSettings
from services.metrics.app.hub import Hub
from shared.db.shards import Shard
from shared.errors import Unavailable
from shared.events.catalog import shard_of

_LOADING_S = 5.0


@dataclass(slots=True, kw_only=True)
class LiveShard:
    """One shard that this process holds. Boards only while they are complete."""

    shard: Shard
    hub: Hub
    boards: Boards | None = None
    is_loaded: asyncio.Event = field(default_factory=asyncio.Event)
    configured: dict[str, WorkspaceSettings] = field(default_factory=dict)
    """Settings that came while the boards were being loaded, from rows that may be older."""


class Live:
    """The shards of this process."""

    def __init__(self, shards: int, new_hub: Callable[[Shard], Hub]) -> None:
        self._shards = shards
        self._new_hub = new_hub
        self._live: dict[int, LiveShard] = {}

    def begin(self, shard: Shard) -> LiveShard:
        """A shard is being taken, or taken up again after a failure: then its streams can be resumed."""
        live = self._live.get(shard.n)
        if live is None or live.shard is not shard:
            live = self._live[shard.n] = LiveShard(shard=shard, hub=self._new_hub(shard))
        return live

    def complete(self, live: LiveShard, boards: Boards) -> None:
        """Its boards hold everything that is stored."""
        for workspace_id, settings in live.configured.items():
            boards.configure(workspace_id, settings)
        live.configured.clear()
        live.boards = boards
        live.is_loaded.set()

    def end(self, live: LiveShard) -> None:
        """Its boards are no longer kept up. Whoever listens has to come again, here or elsewhere."""
        live.boards = None
        live.is_loaded.clear()
        live.hub.end()

    async def of(self, workspace_id: str) -> tuple[LiveShard, Boards]:
        """A workspace's shard and its boards. Raises Unavailable while they are not here."""
        live = self._live.get(shard_of(workspace_id, self._shards))
        if live is not None:
            try:
                async with asyncio.timeout(_LOADING_S):
                    await live.is_loaded.wait()
            except TimeoutError:
                raise Unavailable("The workspace is being loaded.") from None
        if live is None or live.boards is None:
            raise Unavailable("The workspace is moving between processes.")
        return live, live.boards

    def configure(self, workspace_id: str, settings: WorkspaceSettings) -> None:
        """Other settings hold in a workspace. Where its shard is elsewhere, they are read when it comes here."""
        live = self._live.get(shard_of(workspace_id, self._shards))
        if live is None:
            return
        if live.boards is None:
            live.configured[workspace_id] = settings
        else:
            live.boards.configure(workspace_id, settings)
