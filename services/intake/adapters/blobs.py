"""Bytes in PostgreSQL. Whoever keeps them elsewhere implements the same port: `app/mail_ports.py`, Blobs."""

from collections.abc import Mapping

from sqlalchemy import select

from services.intake.adapters import tables
from services.intake.app.mail_ports import Staged
from shared.db.sets import insert_new_set
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound

_ADD = insert_new_set(tables.blob, ("workspace_id", "sha256", "content"))


class PostgresBlobs:
    """Implements the port `Blobs`. The same bytes are stored once in a workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stage(self, blobs: Mapping[tuple[str, bytes], bytes]) -> Staged:
        """Nothing is stored yet: the bytes go with the commit."""

        async def store(tx: Tx) -> None:
            if blobs:
                ordered = sorted(blobs)
                await tx.execute(
                    _ADD,
                    {
                        "workspace_id": [key[0] for key in ordered],
                        "sha256": [key[1] for key in ordered],
                        "content": [blobs[key] for key in ordered],
                    },
                )

        return store

    async def read(self, workspace_id: str, sha256: bytes) -> bytes:
        """The bytes. Raises NotFound."""
        t = tables.blob.c
        query = select(t.content).where(t.workspace_id == workspace_id, t.sha256 == sha256)
        found = await self._database.transact(lambda tx: tx.execute(query), workspaces=[workspace_id])
        content: bytes | None = found.scalar_one_or_none()
        if content is None:
            raise NotFound
        return content
