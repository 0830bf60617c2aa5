"""Places that are not used any more, on their way to being empty."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress

import structlog
from sqlalchemy import text

from services.intake.adapters.blobs.shelf import Place, Shelf
from shared.db.unit_of_work import Database, Tx
from shared.errors import TransientError
from shared.telemetry.names import Log

log = structlog.get_logger()

_EVERY_S = 1.0

_ADD = text(
    "INSERT INTO blob_waste (workspace_id, sha256, location)"
    " SELECT * FROM unnest(CAST(:workspaces AS text[]), CAST(:hashes AS bytea[]), CAST(:locations AS uuid[]))"
)
_LIST = text("SELECT workspace_id, sha256, location FROM blob_waste ORDER BY since LIMIT :most")
_DONE = text("DELETE FROM blob_waste WHERE location = ANY (CAST(:locations AS uuid[]))")


class Waste:
    """Empties places once the commit that gave them up is there. What a crash leaves over is in the table."""

    def __init__(self, database: Database, shelf: Shelf | None) -> None:
        self._database = database
        self._shelf = shelf
        self._dropped: set[Place] = set()

    async def add(self, tx: Tx, places: Sequence[Place]) -> None:
        """Gives places up with this commit."""
        if places:
            await tx.execute(
                _ADD,
                {
                    "workspaces": [place.workspace_id for place in places],
                    "hashes": [place.sha256 for place in places],
                    "locations": [place.location for place in places],
                },
            )
            tx.after_commit(lambda: self.drop(places))

    def drop(self, places: Collection[Place]) -> None:
        """Has places emptied soon that nothing names."""
        self._dropped.update(places)

    async def run(self, stopping: asyncio.Event) -> None:
        """Empties what is dropped, until `stopping`."""
        while not stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await stopping.wait()
            try:
                await self.empty()
            except TransientError as error:
                log.warning(Log.BLOBS_NOT_REMOVED, error=str(error), places=len(self._dropped))

    async def empty(self) -> None:
        """Empties what is dropped. Raises TransientError, and keeps what is left."""
        places = list(self._dropped)
        if places:
            await self.remove(places)
            self._dropped.difference_update(places)

    async def remove(self, places: Collection[Place]) -> None:
        """Empties places. Raises TransientError."""
        if self._shelf is not None:
            await self._shelf.remove(places)
        workspaces = {place.workspace_id for place in places}
        locations = [place.location for place in places]
        await self._database.transact(
            lambda tx: tx.execute(_DONE, {"locations": locations}), workspaces=workspaces
        )

    async def left_over(self, tx: Tx, most: int) -> list[Place]:
        """What was given up and is not known to be empty. The unit of work names its workspaces."""
        rows = await tx.execute(_LIST, {"most": most})
        return [Place(row.workspace_id, row.sha256, row.location) for row in rows]
