"""Raw mail over HTTP, and the files that came with messages."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from services.intake.adapters.email.mailroom import Incoming, Mailroom
from services.intake.adapters.email.messages import attachment_of
from services.intake.adapters.email.raws import StoredRaw
from services.intake.api.schemas import MessageReceipt
from services.intake.app.mail_ports import Blobs, RawState
from services.intake.domain.message import Disposition
from shared.db.unit_of_work import Database
from shared.errors import InvalidInput
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.idempotency import Once, OnceHeader
from shared.http.parameters import SlugPath
from shared.http.problems import ProblemError
from shared.http.types import Email

MEDIA_TYPE = "message/rfc822"
_WAIT_S = 5.0
_UNUSUAL = re.compile(r"[^A-Za-z0-9._ -]")

_BINARY = {"schema": {"type": "string", "format": "binary"}}


def routes(database: Database, mailroom: Mailroom, blobs: Blobs, *, max_bytes: int) -> APIRouter:
    """Mail in, attachments out."""
    router = api_router("email")

    async def store(
        pieces: AsyncIterator[bytes], to_mail: Callable[[bytes], Incoming], once: Once, raw_id: UUID
    ) -> UUID:
        """Stores a mail as it comes in. Nothing of it is in hand any more when this returns."""
        with mailroom.in_hand.gathering() as gathering:
            async for piece in pieces:
                gathering.add(piece)
            content = gathering.whole()
            if not content:
                raise InvalidInput("The mail is empty.")
            return await mailroom.accept(to_mail(content), once, raw_id)

    @router.post(
        "/v1/channels/{channel}/email",
        status_code=201,
        response_model=MessageReceipt,
        max_body_size=max_bytes,
        responses={
            200: {"model": MessageReceipt, "description": "Received before; the first result"},
            202: {"model": MessageReceipt, "description": "Stored; it is still being read"},
        },
        openapi_extra={"requestBody": {"required": True, "content": {MEDIA_TYPE: _BINARY}}},
    )
    async def receive_email(
        channel: SlugPath,
        request: Request,
        principal: Annotated[Principal, allowed("messages:write")],
        once: OnceHeader,
        sender: Annotated[Email | None, Query(description="Of the envelope, if there was one.")] = None,
        recipient: Annotated[
            list[Email], Query(max_length=100, description="Of the envelope, if there was one.")
        ] = [],  # noqa: B006 - FastAPI copies it
    ) -> Response:
        """Takes one mail as it came. It is stored when the answer comes, and read within moments."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != MEDIA_TYPE:
            raise ProblemError(415, "unsupported-media-type", f"Send the mail as {MEDIA_TYPE}.")
        with mailroom.waiting() as waiting:
            raw_id = await store(
                request.stream(),
                lambda content: Incoming(
                    workspace_id=principal.workspace_id,
                    channel=channel,
                    sender=sender,
                    recipients=tuple(recipient),
                    content=content,
                ),
                once,
                waiting.raw_id,
            )
            stored = await waiting.outcome(principal.workspace_id, raw_id, within_s=_WAIT_S)
        return Response(receipt(stored).model_dump_json(), _status(stored), media_type="application/json")

    @router.get(
        "/v1/tickets/{ticket_id}/attachments/{attachment_id}",
        response_class=Response,
        responses={200: {"description": "The file", "content": {"application/octet-stream": _BINARY}}},
    )
    async def download_attachment(
        ticket_id: UUID, attachment_id: UUID, principal: Annotated[Principal, allowed("tickets:read")]
    ) -> Response:
        """A file that came with a message of the ticket, as a download."""
        workspace_id = principal.workspace_id
        found = await database.transact(
            lambda tx: attachment_of(tx, workspace_id, ticket_id, attachment_id), workspaces=[workspace_id]
        )
        return download(await blobs.read(workspace_id, found.sha256), found.filename)

    return router


RawId = Annotated[UUID, Path(description="The mail's id, also that of the message it becomes.")]


def receipt(stored: StoredRaw) -> MessageReceipt:
    """What has become of a mail, as it is answered."""
    return MessageReceipt(
        ticket_id=stored.ticket_id,
        ticket_number=stored.ticket_number,
        message_id=stored.message_id or stored.raw.raw_id,
        disposition=stored.disposition or Disposition.ACCEPTED,
        reason=stored.reason,
    )


def download(content: bytes, filename: str, media_type: str = "application/octet-stream") -> Response:
    """Bytes that a browser saves and never shows (RFC 6266)."""
    plain = _UNUSUAL.sub("_", filename)
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(content, headers=headers, media_type=media_type)


def _status(stored: StoredRaw) -> int:
    match stored.state:
        case RawState.RECEIVED:
            return 202
        case RawState.DUPLICATE:
            return 200
        case _:
            return 201
