"""Wakes the loop that works on a shard's rows, in whichever process holds the shard.

A hint only: `adapters/looking.py` looks every second all the same.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import text

from shared.db.shards import Shard
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of
from shared.wakeups import Wakeup

_NOTIFY = text("SELECT pg_notify(:channel, :shards)")


class Bells:
    """The bells of one kind of loop, one a shard.

    channel: of NOTIFY, by which processes wake each other
    """

    def __init__(self, channel: str, shards: int) -> None:
        self.channel = channel
        self._shards = shards
        self._bells: dict[int, Wakeup] = {}

    @property
    def here(self) -> list[int]:
        """The shards whose loop runs in this process."""
        return list(self._bells)

    @contextmanager
    def hung(self, shard: Shard) -> Iterator[Wakeup]:
        """The bell of a shard's loop, while it runs here."""
        bell = self._bells[shard.n] = shard.bell()
        try:
            yield bell
        finally:
            # The shard may be ours again by now, under another epoch.
            if self._bells.get(shard.n) is bell:
                del self._bells[shard.n]

    def ring(self, shards: Collection[int]) -> None:
        """Wakes the loops of these shards that run here."""
        for n in shards:
            if bell := self._bells.get(n):
                bell.ring()

    async def ring_after(self, tx: Tx, workspaces: Collection[str]) -> None:
        """Wakes the loops of these workspaces once the transaction is committed, wherever they run."""
        shards = {shard_of(workspace_id, self._shards) for workspace_id in workspaces}
        tx.after_commit(lambda: self.ring(shards))
        elsewhere = shards - set(self._bells)
        if elsewhere:
            # NOTIFY takes a lock that serialises commits: only where another process works.
            await tx.execute(_NOTIFY, {"channel": self.channel, "shards": ",".join(map(str, sorted(elsewhere)))})

    def hear(self, payload: str) -> None:
        """What another process says with NOTIFY."""
        self.ring([int(n) for n in payload.split(",")])
