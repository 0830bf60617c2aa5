"""Where this installation keeps bytes, as its settings say."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters.blobs.files import FileShelf
from services.intake.adapters.blobs.objects import ObjectShelf
from services.intake.adapters.blobs.shelf import Shelf
from services.intake.adapters.blobs.stored import StoredBlobs
from services.intake.adapters.blobs.sweeping import Sweeping
from services.intake.adapters.blobs.waste import Waste
from services.intake.settings import IntakeSettings
from shared.db.unit_of_work import Database, Tx
from shared.errors import FatalError, Unavailable
from shared.ids import IdFactory
from shared.service import Part, Runtime

_CLAIM = text("INSERT INTO blob_home (is_only, home) VALUES (true, :home) ON CONFLICT DO NOTHING")
_HOME = text("SELECT home FROM blob_home")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobStore:
    """Everything about bytes that one process runs."""

    blobs: StoredBlobs
    waste: Waste
    sweeping: Sweeping
    shelf: Shelf | None

    @property
    def parts(self) -> Sequence[Part]:
        """What runs once a process."""
        return [self.waste.run]


@asynccontextmanager
async def open_blobs(
    runtime: Runtime, settings: IntakeSettings, ids: IdFactory, *, connects: bool
) -> AsyncIterator[BlobStore]:
    """Opens the store, and closes it. Raises FatalError where it cannot be used or is another installation's."""
    shelf = _shelf(settings)
    if shelf is not None and connects:
        await _own(runtime.database, shelf, ids)
    waste = Waste(runtime.database, shelf)
    blobs = StoredBlobs(runtime.database, shelf, waste, ids, row_max=settings.blob_row_max_bytes)
    try:
        yield BlobStore(
            blobs=blobs,
            waste=waste,
            sweeping=Sweeping(runtime.database, blobs, shelf, waste),
            shelf=shelf,
        )
    finally:
        if shelf is not None:
            shelf.close()


def _shelf(settings: IntakeSettings) -> Shelf | None:
    if settings.blob_url is not None:
        key, secret = settings.blob_access_key, settings.blob_secret_key
        return ObjectShelf(
            settings.blob_url,
            endpoint=settings.blob_endpoint,
            region=settings.blob_region,
            key=key.get_secret_value() if key else None,
            secret=secret.get_secret_value() if secret else None,
        )
    return FileShelf(settings.blob_folder) if settings.blob_folder is not None else None


async def _own(database: Database, shelf: Shelf, ids: IdFactory) -> None:
    """What sweeps here would remove the bytes of another installation, whose rows it does not see."""

    async def unit(tx: Tx) -> UUID:
        await tx.execute(_CLAIM, {"home": ids.new()})
        home: UUID = (await tx.execute(_HOME)).scalar_one()
        return home

    home = await database.transact(unit)
    try:
        owner = await shelf.owner(home)
    except (Unavailable, ValueError) as error:
        raise FatalError(f"bytes cannot be kept where the settings say: {error}") from error
    if owner != home:
        raise FatalError("the place for bytes that the settings name belongs to another installation")
