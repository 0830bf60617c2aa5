"""Pushes what has changed to a shard's listeners: woken by commits, and by the time where somebody listens."""

import asyncio
from contextlib import suppress

from prometheus_client import Counter

from services.metrics.app.boards import Boards
from services.metrics.app.hub import Hub
from shared.clock import monotonic
from shared.db.shards import Shard

_TICK_S = 1.0
_IDLE_S = 5.0
_GAP_S = 0.05
"""Least time between two rounds: commits that follow one another closely make one frame."""


async def stream_kpis(shard: Shard, hub: Hub, boards: Boards, sent: Counter) -> None:
    """Pushes until the shard is drained."""
    bell = shard.bell()
    boards.ring(bell)
    hub.arrivals = bell.ring
    ticked_at = 0.0
    while not shard.draining.is_set():
        await bell.wait(_TICK_S if hub.has_listeners else _IDLE_S)
        # Also while nobody listens: how fresh the numbers are is known only by looking now and then.
        hub.is_stale()
        is_tick = monotonic() - ticked_at >= _TICK_S
        if is_tick:
            ticked_at = monotonic()
        if hub.has_listeners:
            sent.inc(hub.push(boards, is_tick=is_tick))
            with suppress(TimeoutError):
                async with asyncio.timeout(_GAP_S):
                    await shard.draining.wait()
