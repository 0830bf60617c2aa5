"""Files that wait for the reply that takes them along, in PostgreSQL. Their bytes are blobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, text

from services.intake.adapters.answering import tables
from services.intake.adapters.email import tables as mail_tables
from services.intake.app.answering_ports import Upload
from services.intake.app.attach_files import KEPT
from shared.db.housekeeping import delete_portion
from shared.db.sets import insert_set, transposed
from shared.db.unit_of_work import Tx

_COLUMNS = (
    *("workspace_id", "attachment_id", "message_id", "filename", "media_type"),
    *("bytes", "sha256", "content_id", "is_inline"),
)
_ATTACH = insert_set(mail_tables.attachment, _COLUMNS)
_TAKE = text(
    "DELETE FROM upload WHERE workspace_id = :workspace_id AND attachment_id = ANY (CAST(:ids AS uuid[]))"
    " AND created_at >= :since RETURNING *"
)


class PostgresUploads:
    """Implements the port `Uploads`."""

    async def add(self, tx: Tx, upload: Upload) -> None:
        """A file whose bytes are stored."""
        await tx.execute(
            insert(tables.upload).values(
                workspace_id=upload.workspace_id,
                attachment_id=upload.attachment_id,
                filename=upload.filename,
                media_type=upload.media_type,
                bytes=upload.size,
                sha256=upload.sha256,
                content_id=upload.content_id,
                created_at=upload.created_at,
            )
        )

    async def attach(
        self, tx: Tx, message: tuple[str, UUID], ids: Sequence[UUID], since: datetime
    ) -> list[Upload]:
        """Makes files of a message of those of these that wait since then or later; they are what it gives."""
        rows = await tx.execute(_TAKE, {"workspace_id": message[0], "ids": list(ids), "since": since})
        taken = sorted(map(_upload, rows), key=lambda upload: upload.attachment_id)
        if taken:
            await tx.execute(_ATTACH, transposed([_row(upload, message[1]) for upload in taken], _COLUMNS))
        return taken


async def forget_uploads(tx: Tx) -> bool:
    """Deletes what nobody took along: a chore of housekeeping."""
    return await delete_portion(tx, tables.upload, tables.upload.c.created_at < await tx.now() - KEPT)


def _row(upload: Upload, message_id: UUID) -> dict[str, object]:
    return {
        "workspace_id": upload.workspace_id,
        "attachment_id": upload.attachment_id,
        "message_id": message_id,
        "filename": upload.filename,
        "media_type": upload.media_type,
        "bytes": upload.size,
        "sha256": upload.sha256,
        "content_id": upload.content_id,
        "is_inline": upload.content_id is not None,
    }


def _upload(row: Row[Any]) -> Upload:
    return Upload(
        workspace_id=row.workspace_id,
        attachment_id=row.attachment_id,
        filename=row.filename,
        media_type=row.media_type,
        size=row.bytes,
        sha256=row.sha256,
        content_id=row.content_id,
        created_at=row.created_at,
    )
