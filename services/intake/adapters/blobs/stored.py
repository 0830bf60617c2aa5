"""Which bytes there are, and where. The rows decide; the bytes are where they say before they say so."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import structlog
from sqlalchemy import text

from services.intake.adapters.blobs.shelf import Place, Shelf
from services.intake.adapters.blobs.waste import Waste
from services.intake.app.mail_ports import Staged
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.ids import IdFactory
from shared.telemetry.names import Log

log = structlog.get_logger()

BlobKey = tuple[str, bytes]
"""Workspace and hash."""

# Whoever names bytes locks their row: whoever forgets them meanwhile waits, and finds them named. Where they were
# lost, those that come take their place.
_NAME = text(
    "INSERT INTO blob AS b (workspace_id, sha256, location, content)"
    " SELECT * FROM unnest(CAST(:workspaces AS text[]), CAST(:hashes AS bytea[]), CAST(:locations AS uuid[]),"
    " CAST(:contents AS bytea[]))"
    " ON CONFLICT (workspace_id, sha256) DO UPDATE SET is_lost = false,"
    " location = CASE WHEN b.is_lost THEN excluded.location ELSE b.location END,"
    " content = CASE WHEN b.is_lost THEN excluded.content ELSE b.content END"
    " RETURNING workspace_id, sha256, location"
)
_FIND = text("SELECT content, location FROM blob WHERE workspace_id = :workspace_id AND sha256 = :sha256")
_LOST = text(
    "UPDATE blob SET is_lost = true WHERE workspace_id = :workspace_id AND sha256 = :sha256"
    " AND location IS NOT DISTINCT FROM CAST(:location AS uuid)"
)
_LOCK = text(
    "SELECT sha256 FROM blob WHERE workspace_id = :workspace_id AND sha256 = ANY (CAST(:hashes AS bytea[]))"
    " ORDER BY sha256 FOR UPDATE"
)
# The view has every row that names bytes.
_FORGET = text(
    "DELETE FROM blob b"
    " USING unnest(CAST(:workspaces AS text[]), CAST(:hashes AS bytea[])) AS w (workspace_id, sha256)"
    " WHERE b.workspace_id = w.workspace_id AND b.sha256 = w.sha256 AND NOT EXISTS"
    " (SELECT 1 FROM blob_reference r WHERE r.workspace_id = b.workspace_id AND r.sha256 = b.sha256)"
    " RETURNING b.workspace_id, b.sha256, b.location"
)
_UNCHECKED = text(
    "SELECT b.workspace_id, b.sha256 FROM blob b WHERE NOT b.is_checked AND b.stored_at < :before"
    " ORDER BY b.workspace_id, b.sha256 LIMIT :most FOR UPDATE SKIP LOCKED"
)
_CHECKED = text(
    "UPDATE blob b SET is_checked = true"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:hashes AS bytea[])) AS w (workspace_id, sha256)"
    " WHERE b.workspace_id = w.workspace_id AND b.sha256 = w.sha256"
)
_KNOWN = text("SELECT location FROM blob WHERE location = ANY (CAST(:locations AS uuid[]))")


@dataclass(frozen=True, slots=True)
class StagedBytes:
    """Implements the port `Staged`.

    contents: what goes into the rows, None where the bytes are in a place; places: which wait to be named
    """

    waste: Waste
    contents: Mapping[BlobKey, bytes | None]
    places: tuple[Place, ...] = ()

    async def __call__(self, tx: Tx) -> None:
        """Locks the rows of the bytes, in order."""
        if not self.contents:
            return
        ordered = sorted(self.contents)
        locations = {(place.workspace_id, place.sha256): place.location for place in self.places}
        rows = await tx.execute(
            _NAME,
            {
                **_columns(ordered),
                "locations": [locations.get(key) for key in ordered],
                "contents": [self.contents[key] for key in ordered],
            },
        )
        named = {(row.workspace_id, row.sha256): row.location for row in rows}
        # The same bytes were there before, or lie in two of the places.
        surplus = [place for place in self.places if named[place.workspace_id, place.sha256] != place.location]
        if surplus:
            tx.after_commit(lambda: self.waste.drop(surplus))

    def __or__(self, other: Self) -> Self:
        return replace(self, contents={**self.contents, **other.contents}, places=self.places + other.places)


class StoredBlobs:
    """Implements the port `Blobs`. The same bytes are stored once in a workspace.

    shelf: where new bytes go that are more than `row_max`; without one all of them go into their rows
    """

    def __init__(
        self, database: Database, shelf: Shelf | None, waste: Waste, ids: IdFactory, *, row_max: int
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._waste = waste
        self._ids = ids
        self._row_max = row_max

    async def stage(self, blobs: Mapping[BlobKey, bytes]) -> Staged:
        """Brings bytes to where they stay. Raises Unavailable.

        In the commit the rows of those bytes are locked, in order, after everything that has an order of its own.
        """
        places = {key: Place(*key, self._ids.new()) for key in sorted(blobs) if self._is_shelved(blobs[key])}
        if self._shelf is not None and places:
            await self._shelf.put({place: blobs[key] for key, place in places.items()})
        contents = {key: None if key in places else content for key, content in blobs.items()}
        return StagedBytes(self._waste, contents, tuple(places.values()))

    async def read(self, workspace_id: str, sha256: bytes) -> bytes:
        """The bytes. Raises NotFound where they are gone or not what they were, and Unavailable."""
        found = await self._database.transact(
            lambda tx: tx.execute(_FIND, {"workspace_id": workspace_id, "sha256": sha256}),
            workspaces=[workspace_id],
        )
        row = found.one_or_none()
        if row is None:
            raise NotFound
        content: bytes | None = row.content
        if content is None and self._shelf is not None:
            content = await self._shelf.get(Place(workspace_id, sha256, row.location))
        if content is None or hashlib.sha256(content).digest() != sha256:
            log.error(Log.BLOB_LOST, workspace=workspace_id, sha256=sha256.hex(), is_there=content is not None)
            where = {"workspace_id": workspace_id, "sha256": sha256, "location": row.location}
            await self._database.transact(lambda tx: tx.execute(_LOST, where), workspaces=[workspace_id])
            raise NotFound
        return content

    def _is_shelved(self, content: bytes) -> bool:
        return self._shelf is not None and len(content) > self._row_max

    async def delete(self, tx: Tx, workspace_id: str, sha256s: Collection[bytes]) -> None:
        """Forgets those of these bytes that no row of this commit or before it names."""
        hashes = sorted(set(sha256s))
        await tx.execute(_LOCK, {"workspace_id": workspace_id, "hashes": hashes})
        await self._forget(tx, [(workspace_id, sha256) for sha256 in hashes])

    async def check(self, tx: Tx, *, before: datetime, most: int) -> int:
        """Looks once at bytes that were stored before a moment: whether any row has come to name them.

        How many were looked at; the unit of work names their workspaces.
        """
        rows = (await tx.execute(_UNCHECKED, {"before": before, "most": most})).all()
        keys = [(row.workspace_id, row.sha256) for row in rows]
        await self._forget(tx, keys)
        await tx.execute(_CHECKED, _columns(keys))
        return len(keys)

    async def _forget(self, tx: Tx, locked: Sequence[BlobKey]) -> None:
        # A statement of its own: it sees what those have committed whom the lock has waited for.
        rows = await tx.execute(_FORGET, _columns(locked))
        await self._waste.add(
            tx, [Place(row.workspace_id, row.sha256, row.location) for row in rows if row.location is not None]
        )

    async def unknown(self, tx: Tx, places: Sequence[Place]) -> list[Place]:
        """Those of these places that no row names. The unit of work names their workspaces."""
        rows = await tx.execute(_KNOWN, {"locations": [place.location for place in places]})
        known = {row.location for row in rows}
        return [place for place in places if place.location not in known]


def _columns(keys: Sequence[BlobKey]) -> dict[str, object]:
    return {"workspaces": [key[0] for key in keys], "hashes": [key[1] for key in keys]}
