"""`/v1/quarantine`: what nothing has become of. It opens no ticket until a person says so."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from services.intake.adapters.email import mime
from services.intake.adapters.email.raws import PostgresRaws, StoredRaw
from services.intake.adapters.email.reading import Read, is_mail
from services.intake.adapters.email.release import Release
from services.intake.api.email import MEDIA_TYPE, RawId, download
from services.intake.api.schemas import MessageReceipt
from services.intake.app.mail_ports import MAIL, Blobs, RawState
from shared.db.unit_of_work import Database, Tx
from shared.errors import Conflict, DataRefused, InvalidInput, NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.idempotency import Answer, Once, OnceHeader
from shared.http.pagination import CursorQuery, Page, decode_id, page
from shared.http.parameters import Limit

_FILE = {"schema": {"type": "string", "format": "binary"}}


class Quarantined(BaseModel):
    """Something in quarantine, or released from it."""

    id: UUID
    channel: str
    form: str = Field(description="`mail`, or the provider that posted it.")
    state: RawState
    reason: str | None
    sender: str | None
    recipients: list[str]
    bytes: int
    received_at: datetime
    message_id: UUID | None
    ticket_id: UUID | None


class QuarantinedDetail(Quarantined):
    """With what can be made out of its headers, where it is a mail."""

    subject: str
    from_address: str | None


def routes(database: Database, raws: PostgresRaws, blobs: Blobs, release: Release) -> APIRouter:
    """Look, fetch, release."""
    router = api_router("quarantine")

    async def find(principal: Principal, raw_id: UUID) -> StoredRaw:
        workspace_id = principal.workspace_id
        stored = await database.transact(lambda tx: raws.find(tx, workspace_id, raw_id), workspaces=[workspace_id])
        if stored.state not in (RawState.QUARANTINED, RawState.RELEASED):
            raise NotFound
        return stored

    @router.get("/v1/quarantine")
    async def list_quarantine(
        principal: Annotated[Principal, allowed("tickets:read")], limit: Limit = 50, cursor: CursorQuery = None
    ) -> Page[Quarantined]:
        """What is in quarantine, oldest first."""
        after = decode_id(cursor)
        rows = await database.transact(
            lambda tx: raws.quarantined(tx, principal.workspace_id, after, limit + 1),
            workspaces=[principal.workspace_id],
        )
        return page(rows, limit, lambda row: (str(row.raw.raw_id),), lambda row: Quarantined(**_fields(row)))

    @router.get("/v1/quarantine/{raw_id}")
    async def show_quarantined(
        raw_id: RawId, principal: Annotated[Principal, allowed("tickets:read")]
    ) -> QuarantinedDetail:
        """One of them, with what can be made out of it."""
        stored = await find(principal, raw_id)
        subject, sender = "", None
        if stored.raw.form == MAIL:
            subject, sender = mime.best_effort(await blobs.read(principal.workspace_id, stored.raw.sha256))
        return QuarantinedDetail(**_fields(stored), subject=subject, from_address=sender)

    @router.get(
        "/v1/quarantine/{raw_id}/raw",
        response_class=Response,
        responses={
            200: {
                "description": "As it came",
                "content": dict.fromkeys((MEDIA_TYPE, "application/octet-stream"), _FILE),
            }
        },
    )
    async def download_quarantined(
        raw_id: RawId, principal: Annotated[Principal, allowed("tickets:read")]
    ) -> Response:
        """As it came, as a download."""
        stored = await find(principal, raw_id)
        content = await blobs.read(principal.workspace_id, stored.raw.sha256)
        if stored.raw.form != MAIL:
            return download(content, f"{raw_id}.bin")
        return download(content, f"{raw_id}.eml", MEDIA_TYPE)

    @router.post("/v1/quarantine/{raw_id}/release", status_code=201, response_model=MessageReceipt)
    async def release_quarantined(
        raw_id: RawId, principal: Annotated[Principal, allowed("tickets:write")], once: OnceHeader
    ) -> Response:
        """Makes a message of it, of as much as can be read. 409 where that has happened already."""
        stored = await find(principal, raw_id)
        is_new = stored.state is RawState.QUARANTINED
        item = await release.read(stored.raw) if is_new else None
        try:
            return await _release(release, database, once, item)
        except DataRefused:
            reason = "the database refuses a part of it"
        except InvalidInput as error:
            if is_mail(stored.raw):
                raise
            reason = str(error)
        return await _release(release, database, once, await release.attached(stored.raw, reason))

    return router


async def _release(release: Release, database: Database, once: Once, item: Read | None) -> Response:
    async def nothing(_tx: Tx) -> Answer:
        raise Conflict("It is not in quarantine.")

    if item is None:
        return await once.transact(database, nothing)
    read = item
    await database.transact(lambda tx: release.record(tx, read), workspaces=[read.raw.workspace_id])
    stored = await release.stage(read)

    async def unit(tx: Tx) -> Answer:
        outcome = await release.commit(tx, read, stored)
        return Answer.of(
            201,
            MessageReceipt(
                ticket_id=outcome.ticket_id,
                ticket_number=outcome.ticket_number,
                message_id=outcome.message_id or outcome.raw.raw_id,
                disposition=outcome.disposition,
                reason=outcome.reason,
            ),
        )

    return await once.transact(database, unit)


def _fields(stored: StoredRaw) -> dict[str, object]:
    raw = stored.raw
    return {
        "id": raw.raw_id,
        "channel": raw.channel,
        "form": raw.form,
        "state": stored.state,
        "reason": stored.reason,
        "sender": raw.sender,
        "recipients": list(raw.recipients),
        "bytes": raw.size,
        "received_at": raw.received_at,
        "message_id": stored.message_id,
        "ticket_id": stored.ticket_id,
    }
