"""Finds bytes that nothing names: hourly, for each shard.

Bytes are put where they stay before the commit that names them; where that commit never comes they are too
much. So are attachments of a mail that was no new message after all. And what a crash kept from being removed
waits in the table `blob_waste`.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

import structlog

from services.intake.adapters.blobs.shelf import PREFIXES, Place, Shelf
from services.intake.adapters.blobs.stored import StoredBlobs
from services.intake.adapters.blobs.waste import Waste
from shared.db import workspaces
from shared.db.shards import Shard
from shared.db.unit_of_work import Database
from shared.errors import TransientError
from shared.telemetry.names import Log

log = structlog.get_logger()

_EVERY_S = 3600.0
_AT_ONCE = 500
_NAMED_WITHIN = timedelta(hours=1)
"""A row of bytes that nothing names after so long: nothing will. Commits take seconds."""
_COMMITTED_WITHIN = timedelta(days=1)
"""The same for bytes without a row. Their age is told by the clock of the machine that put them there."""


class Sweeping:
    """Forgets what nothing names. A 24th of all places an hour is looked at: listing them is what costs."""

    def __init__(self, database: Database, blobs: StoredBlobs, shelf: Shelf | None, waste: Waste) -> None:
        self._database = database
        self._blobs = blobs
        self._shelf = shelf
        self._waste = waste

    async def run(self, shard: Shard) -> None:
        """Sweeps until the shard is drained. Raises DatabaseUnavailable."""
        while not shard.draining.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await shard.draining.wait()
                    return
            names = await self._database.transact(lambda tx: workspaces.of_shard(tx, shard.n), claims=[shard.n])
            try:
                removed = await self.sweep(names)
            except TransientError as error:
                log.warning(Log.BLOBS_NOT_REMOVED, error=str(error))
            else:
                if removed:
                    log.info(Log.BLOBS_REMOVED, shard=shard.n, places=removed)

    async def sweep(self, names: Sequence[str], *, whole: bool = False) -> int:
        """Sweeps these workspaces; how many places were emptied. Raises TransientError.

        whole: look at all places, not only at those whose turn it is
        """
        if not names:
            return 0
        now = await self._database.transact(lambda tx: tx.now())
        while await self._database.transact(
            lambda tx: self._blobs.check(tx, before=now - _NAMED_WITHIN, most=_AT_ONCE), workspaces=names
        ):
            pass
        removed = 0
        while left := await self._database.transact(
            lambda tx: self._waste.left_over(tx, _AT_ONCE), workspaces=names
        ):
            await self._waste.remove(left)
            removed += len(left)
        if self._shelf is None:
            return removed
        before_ms = int((now - _COMMITTED_WITHIN).timestamp() * 1000)
        turn = range(PREFIXES) if whole else range(now.hour, PREFIXES, 24)
        for workspace_id in names:
            for prefix in turn:
                listed = await self._shelf.places(workspace_id, prefix)
                removed += await self._remove_unknown([place for place in listed if place.made_ms < before_ms])
        return removed

    async def _remove_unknown(self, places: Sequence[Place]) -> int:
        removed = 0
        for start in range(0, len(places), _AT_ONCE):
            some = places[start : start + _AT_ONCE]
            unknown = await self._database.transact(
                partial(self._blobs.unknown, places=some), workspaces={place.workspace_id for place in some}
            )
            if unknown:
                await self._waste.remove(unknown)
                removed += len(unknown)
        return removed
