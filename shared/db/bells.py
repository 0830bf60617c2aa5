"""Wakes the loops of shards that this process serves, when a commit leaves them something to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from shared.db.shards import Shard
from shared.wakeups import Wakeup


class ShardBells:
    """The bells of one kind of loop, one a shard.

    A loop that sleeps until a moment is not woken for anything later.
    """

    def __init__(self) -> None:
        self._bells: dict[int, Wakeup] = {}
        self._asleep_until: dict[int, datetime | None] = {}

    @contextmanager
    def hung(self, shard: Shard) -> Iterator[Wakeup]:
        """The bell of a shard's loop, while it runs here; it also rings when the shard is to be given up."""
        bell = self._bells[shard.n] = shard.bell()
        try:
            yield bell
        finally:
            # The shard may be ours again by now, under another epoch.
            if self._bells.get(shard.n) is bell:
                del self._bells[shard.n]
                self._asleep_until.pop(shard.n, None)

    def sleeps(self, shard: Shard, until: datetime | None) -> None:
        """Notes until when a loop has nothing to do, as far as it knows."""
        self._asleep_until[shard.n] = until

    def wakes(self, shard: Shard) -> None:
        """Notes that a loop looks around: whatever comes from now on wakes it again."""
        self._asleep_until[shard.n] = None

    def is_here(self, n: int) -> bool:
        """Whether the shard's loop runs in this process."""
        return n in self._bells

    def ring(self, n: int, due_at: datetime | None = None) -> None:
        """Wakes a shard's loop, if it runs here and would sleep past `due_at`."""
        bell = self._bells.get(n)
        until = self._asleep_until.get(n)
        if bell is not None and (due_at is None or until is None or due_at < until):
            bell.ring()
