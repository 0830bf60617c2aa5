"""Wakes the loops of shards that this process serves, when a commit leaves them something to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from shared.clock import Clock
from shared.db.shards import Shard
from shared.wakeups import Wakeup

_POLL_S = 5.0
"""How long something to do can go unnoticed whose hint was lost."""
_NAP_S = 1.0
_LEAST_NAP_S = 0.005
"""Where our reading of the database's clock is ahead of it, a moment has not come yet although it seems so."""


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

    async def sleep(self, shard: Shard, until: datetime | None, clock: Clock) -> bool:
        """Sleeps until a moment of the database's clock, woken by what comes before; five seconds at most.

        Gives whether the moment has come.
        until: when a loop has something to do, as far as it knows; none: it knows of nothing
        """
        self._asleep_until[shard.n] = until
        bell, slept_s = self._bells[shard.n], 0.0
        while slept_s < _POLL_S and not shard.draining.is_set():
            left_s = _NAP_S if until is None else (until - clock.now()).total_seconds()
            if left_s <= 0 and slept_s:
                return True
            nap_s = min(max(left_s, _LEAST_NAP_S), _NAP_S)
            if await bell.wait(nap_s):
                return False
            slept_s += nap_s
        return False

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
