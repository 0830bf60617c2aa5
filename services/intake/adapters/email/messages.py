"""What messages have that come or leave by mail: files, recipients, who can be mailed; in PostgreSQL."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters.email import reachability, tables
from services.intake.app.mail_ports import Attachment, Bounce
from services.intake.app.ports import IdentityKey
from services.intake.app.queries import AttachmentState, ShownAttachment
from shared.db.sets import insert_set, transposed
from shared.db.unit_of_work import Tx
from shared.errors import NotFound

_COLUMNS = (
    *("workspace_id", "attachment_id", "message_id", "filename", "media_type"),
    *("bytes", "sha256", "content_id", "is_inline"),
)
_ADD = insert_set(tables.attachment, _COLUMNS)
_ADD_RECIPIENTS = text(
    "UPDATE message m SET delivered_to = (SELECT jsonb_agg(DISTINCT a) FROM"
    " jsonb_array_elements(COALESCE(m.delivered_to, '[]') || w.more) AS each (a))"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[]), CAST(:more AS jsonb[]))"
    " AS w (workspace_id, message_id, more)"
    " WHERE m.workspace_id = w.workspace_id AND m.message_id = w.message_id"
)
_OF_MESSAGES = text(
    "SELECT a.message_id, a.attachment_id, a.filename, a.media_type, a.bytes, a.content_id, a.is_inline,"
    " 'stored' AS state, NULL AS problem"
    " FROM unnest(CAST(:ids AS uuid[])) AS w (message_id)"
    " JOIN attachment a ON a.workspace_id = :workspace_id AND a.message_id = w.message_id"
    " UNION ALL SELECT f.message_id, f.attachment_id, COALESCE(f.filename, 'file'), f.media_type, 0, NULL, false,"
    " f.state, f.last_error"
    " FROM unnest(CAST(:ids AS uuid[])) AS w (message_id)"
    " JOIN media_fetch f ON f.workspace_id = :workspace_id AND f.message_id = w.message_id"
    " WHERE f.state <> 'fetched'"
    " ORDER BY message_id, attachment_id"
)
_ONE = text(
    "WITH RECURSIVE chain AS (SELECT t.ticket_id, t.merged_into FROM attachment a"
    " JOIN message m ON m.workspace_id = a.workspace_id AND m.message_id = a.message_id"
    " JOIN ticket t ON t.workspace_id = m.workspace_id AND t.ticket_id = m.ticket_id"
    " WHERE a.workspace_id = :workspace_id AND a.attachment_id = :attachment_id"
    " UNION SELECT t.ticket_id, t.merged_into FROM chain c"
    " JOIN ticket t ON t.workspace_id = :workspace_id AND t.ticket_id = c.merged_into)"
    " SELECT a.attachment_id, a.filename, a.media_type, a.bytes, a.sha256 FROM attachment a"
    " WHERE a.workspace_id = :workspace_id AND a.attachment_id = :attachment_id"
    " AND :ticket_id IN (SELECT ticket_id FROM chain)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloadable:
    """An attachment that can be fetched by its hash."""

    filename: str
    media_type: str
    sha256: bytes


class PostgresMailMessages:
    """Implements the port `MailMessages`."""

    async def add_attachments(self, tx: Tx, attachments: Sequence[Attachment]) -> None:
        """Keeps the files of messages. Their bytes are stored already."""
        if attachments:
            await tx.execute(_ADD, transposed(map(_row, attachments), _COLUMNS))

    async def add_recipients(self, tx: Tx, recipients: Mapping[tuple[str, UUID], Sequence[str]]) -> None:
        """Adds to the addresses that messages were delivered to."""
        ordered = sorted(recipients)
        await tx.execute(
            _ADD_RECIPIENTS,
            {
                "workspaces": [key[0] for key in ordered],
                "ids": [key[1] for key in ordered],
                "more": [json.dumps(recipients[key]) for key in ordered],
            },
        )

    async def flag_addresses(self, tx: Tx, bounces: Sequence[Bounce]) -> None:
        """Keeps that mail never arrives, or is not wanted, at the addresses that these went to."""
        await reachability.flag(tx, bounces)

    async def record_writers(self, tx: Tx, writers: Collection[IdentityKey]) -> None:
        """Whoever has written can be written to again."""
        await reachability.clear(tx, writers)


async def attachments_of(
    tx: Tx, workspace_id: str, messages: Collection[UUID]
) -> dict[UUID, list[ShownAttachment]]:
    """The attachments of messages, in their order; a message without any is missing."""
    found: dict[UUID, list[ShownAttachment]] = {}
    if messages:
        for row in await tx.execute(_OF_MESSAGES, {"workspace_id": workspace_id, "ids": list(messages)}):
            found.setdefault(row.message_id, []).append(
                ShownAttachment(
                    attachment_id=row.attachment_id,
                    filename=row.filename,
                    media_type=row.media_type,
                    size=row.bytes,
                    content_id=row.content_id,
                    is_inline=row.is_inline,
                    state=AttachmentState(row.state),
                    problem=row.problem,
                )
            )
    return found


async def attachment_of(tx: Tx, workspace_id: str, ticket_id: UUID, attachment_id: UUID) -> Downloadable:
    """An attachment of a ticket, or of one that was merged into it. Raises NotFound."""
    named = {"workspace_id": workspace_id, "ticket_id": ticket_id, "attachment_id": attachment_id}
    row = (await tx.execute(_ONE, named)).one_or_none()
    if row is None:
        raise NotFound
    return Downloadable(filename=row.filename, media_type=row.media_type, sha256=row.sha256)


def _row(attachment: Attachment) -> dict[str, object]:
    file = attachment.file
    return {
        "workspace_id": attachment.workspace_id,
        "attachment_id": attachment.attachment_id,
        "message_id": attachment.message_id,
        "filename": file.filename,
        "media_type": file.media_type,
        "bytes": len(file.content),
        "sha256": attachment.sha256,
        "content_id": file.content_id,
        "is_inline": file.is_inline,
    }
