"""Looks every second, for all shards of this process at once, which have something to do. Rings may be lost."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress

from services.intake.adapters.bells import Bells
from shared.db.unit_of_work import Database, Tx
from shared.errors import TransientError

_EVERY_S = 1.0

Look = Callable[[Tx, Collection[int]], Awaitable[Collection[int]]]
"""Which of these shards have something to do. The unit of work claims them."""


class Looking:
    """One transaction for all kinds of loops: they need not poll themselves."""

    def __init__(self, database: Database, looks: Sequence[tuple[Bells, Look]]) -> None:
        self._database = database
        self._looks = looks

    async def run(self, stopping: asyncio.Event) -> None:
        """Looks until `stopping`."""
        while not stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await stopping.wait()
                    return
            with suppress(TransientError):
                await self.look()

    async def look(self) -> None:
        """Rings where there is something to do. Raises DatabaseUnavailable."""
        here = [(bells, look, bells.here) for bells, look in self._looks]
        claims = sorted({n for _, _, shards in here for n in shards})
        if not claims:
            return

        async def unit(tx: Tx) -> list[tuple[Bells, Collection[int]]]:
            return [(bells, await look(tx, shards)) for bells, look, shards in here]

        for bells, shards in await self._database.transact(unit, claims=claims):
            bells.ring(shards)
