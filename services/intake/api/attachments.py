"""`/v1/attachments`: files on their way into a reply."""

import hashlib
import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, StringConstraints

from services.intake.adapters.answering.assembly import Answering
from services.intake.adapters.email.headers import file_name
from services.intake.api.callers import Writer
from services.intake.app.answering_ports import Upload
from services.intake.app.attach_files import KEPT
from services.intake.app.mail_ports import Blobs
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput
from shared.http.app import api_router
from shared.http.idempotency import Answer, OnceHeader
from shared.http.types import Text
from shared.ids import IdFactory

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}\Z")
_BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}

Filename = Annotated[Text, StringConstraints(min_length=1, max_length=255)]
ContentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class UploadResource(BaseModel):
    """A file that waits until `expires_at` for the reply that takes it along."""

    attachment_id: UUID
    filename: str
    media_type: str
    size: int
    content_id: str | None
    expires_at: datetime


def routes(database: Database, blobs: Blobs, answering: Answering, ids: IdFactory, *, max_bytes: int) -> APIRouter:
    """Files in."""
    router = api_router("attachments")

    @router.post(
        "/v1/attachments",
        status_code=201,
        response_model=UploadResource,
        max_body_size=max_bytes,
        openapi_extra={"requestBody": {"required": True, "content": _BINARY}},
    )
    async def upload_attachment(
        request: Request,
        principal: Writer,
        once: OnceHeader,
        filename: Annotated[Filename, Query(description="For display only.")],
        content_id: Annotated[
            ContentId | None, Query(description="By which the reply's HTML shows it, as `cid:logo`.")
        ] = None,
    ) -> Response:
        """Takes the bytes of one file. Name it in `attachment_ids` of a reply or a note."""
        content = await request.body()
        if not content:
            raise InvalidInput("The file is empty.")
        sha256 = hashlib.sha256(content).digest()
        key = principal.workspace_id, sha256
        stored = await blobs.stage({key: content})

        async def unit(tx: Tx) -> Answer:
            await stored(tx)
            upload = Upload(
                workspace_id=principal.workspace_id,
                attachment_id=ids.new(),
                filename=file_name(filename, "file"),
                media_type=_media_type(request.headers.get("content-type", "")),
                size=len(content),
                sha256=sha256,
                content_id=content_id,
                created_at=await tx.now(),
            )
            await answering.uploads.add(tx, upload)
            return Answer.of(
                201,
                UploadResource(
                    attachment_id=upload.attachment_id,
                    filename=upload.filename,
                    media_type=upload.media_type,
                    size=upload.size,
                    content_id=upload.content_id,
                    expires_at=upload.created_at + KEPT,
                ),
            )

        return await once.transact(database, unit)

    return router


def _media_type(header: str) -> str:
    said = header.partition(";")[0].strip().lower()
    return said if _MEDIA_TYPE.match(said) else "application/octet-stream"
