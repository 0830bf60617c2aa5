"""Lets an answer take along files that were uploaded before."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from services.intake.app.answering_ports import Upload, Uploads
from services.intake.domain.message import StaffMessage
from shared.db.unit_of_work import Tx
from shared.errors import InvalidInput

KEPT = timedelta(days=1)
"""A file that no answer has taken along by then is forgotten."""


async def attach_files(
    message: StaffMessage, ids: Sequence[UUID], *, max_bytes: int, tx: Tx, uploads: Uploads
) -> list[Upload]:
    """The files, which are the message's from now on.

    Raises InvalidInput for one that does not wait or was taken along before, and where all are too large.
    """
    if not ids:
        return []
    since = await tx.now() - KEPT
    taken = await uploads.attach(tx, (message.workspace_id, message.message_id), ids, since)
    known = {upload.attachment_id for upload in taken}
    problems = tuple(
        (f"/attachment_ids/{index}", "does not wait") for index, one in enumerate(ids) if one not in known
    )
    if problems:
        raise InvalidInput("There are no such files.", problems=problems)
    if sum(upload.size for upload in taken) > max_bytes:
        raise InvalidInput(
            f"The files have more than {max_bytes} bytes together.", problems=(("/attachment_ids", "too large"),)
        )
    return taken
