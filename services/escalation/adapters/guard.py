"""Whether everything that happened before this moment is known: consumer lag must not hide an answer in time."""

import asyncio
from collections.abc import Collection, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, replace

from shared.clock import monotonic
from shared.db.shards import Shard
from shared.errors import BrokerUnavailable
from shared.events.catalog import ROUTING, TICKETS
from shared.kafka.inbox import Inboxes

PATIENCE_S = 2.0
"""A consumer that makes no progress for so long is not waited for."""
_TOPICS = (TICKETS.name, ROUTING.name)
_LOOK_S = 0.01
_ANSWER_S = 1.0
"""A broker that takes so long to answer is asked again: less than our patience, or it is never at its end."""
_QUICK_ANSWER_S = 0.2
"""The same where a question about one shard keeps others waiting."""


@dataclass(frozen=True, slots=True)
class _Stall:
    """Since when a shard has applied this much and no more, as of the last look."""

    applied: Mapping[str, int] | None
    since: float
    seen_at: float


class Guard:
    """Compares what a shard has applied with what the broker has."""

    def __init__(self, inboxes: Inboxes) -> None:
        self._inboxes = inboxes
        self._stalled: dict[int, _Stall] = {}
        self._unanswered_until = 0.0

    async def passed(self, shards: Collection[int]) -> Set[int]:
        """Those of which everything that stands in the topics at this moment is applied and committed.

        Asks once for all of them, and waits for nobody. None, where the broker cannot be asked.
        """
        if monotonic() < self._unanswered_until:
            # Whoever is asked for by itself is patient; what is asked together keeps nobody waiting twice.
            return frozenset()
        ends = await self._ends(shards, _QUICK_ANSWER_S)
        if not ends:
            self._unanswered_until = monotonic() + PATIENCE_S
        found = {n: inbox for n in ends if (inbox := self._inboxes.of(n))}
        return {n for n, inbox in found.items() if inbox.has_applied(ends[n])}

    async def has_passed(self, shard: Shard) -> bool:
        """True once everything that stood in the topics when we were asked is applied and committed.

        Waits while the consumer advances. False where it stands still or the broker cannot be asked.
        """
        ends: Mapping[str, int] | None = None
        while not shard.draining.is_set():
            if ends is None:
                ends = (await self._ends([shard.n], _ANSWER_S)).get(shard.n)
            inbox = self._inboxes.of(shard.n)
            if ends is not None and inbox is not None and inbox.has_applied(ends):
                self._stalled.pop(shard.n, None)
                return True
            if self._has_stalled(shard.n, dict(inbox.applied) if inbox else None):
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await shard.draining.wait()
        return False

    async def _ends(self, shards: Collection[int], within_s: float) -> Mapping[int, Mapping[str, int]]:
        try:
            async with asyncio.timeout(within_s):
                return await self._inboxes.ends(shards, _TOPICS)
        except (BrokerUnavailable, TimeoutError):
            return {}

    def _has_stalled(self, n: int, applied: Mapping[str, int] | None) -> bool:
        # Kept from one call to the next: a consumer that fails again and again starts us anew with it.
        now, stall = monotonic(), self._stalled.get(n)
        if stall is None or now - stall.seen_at > PATIENCE_S or applied not in (None, stall.applied):
            stall = _Stall(applied, now, now)
        self._stalled[n] = replace(stall, seen_at=now)
        return now - stall.since > PATIENCE_S
