"""Replies and notes, and single messages."""

import asyncio
from typing import Annotated
from uuid import UUID
from zlib import crc32

from fastapi import APIRouter, Path, Response

from services.intake.adapters.answering.assembly import Answering
from services.intake.api.callers import Reader, Writer, asked_by
from services.intake.api.resources import (
    DeliveryResource,
    MessageResource,
    NoteRequest,
    ReplyReceipt,
    ReplyRequest,
    SegmentsResource,
    WhatsAppTemplateRequest,
)
from services.intake.app.attach_files import attach_files
from services.intake.app.compose_answer import TemplateUse, from_template, said_in
from services.intake.app.desk import By, Desk
from services.intake.app.ports import TicketKey
from services.intake.app.queries import ShownMessage, Timelines
from services.intake.app.send_reply import Written, add_note, send_reply
from services.intake.domain.message import DeliveryState, StaffMessage
from services.intake.domain.segments import segments
from services.intake.domain.template import Rendered
from services.intake.domain.whatsapp import WhatsAppTemplate
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput
from shared.http.app import api_router
from shared.http.etags import etag
from shared.http.idempotency import Answer, OnceHeader
from shared.vocabulary import ChannelKind, TicketStatus

TicketId = Annotated[UUID, Path()]


def routes(
    database: Database, timelines: Timelines, desk: Desk, answering: Answering, *, attachment_max_bytes: int
) -> APIRouter:
    """What the staff does with a ticket."""
    router = api_router("tickets")

    async def prepared(text: str | None, html: str | None) -> Rendered | None:
        # Off the loop: HTML may be long.
        return await asyncio.to_thread(said_in, text, html, answering.rich_text)

    async def attach(tx: Tx, message: StaffMessage, ids: list[UUID]) -> None:
        await attach_files(message, ids, max_bytes=attachment_max_bytes, tx=tx, uploads=answering.uploads)

    async def filled(
        tx: Tx, key: TicketKey, said: Rendered | None, use: TemplateUse | None, author_id: str, by: By
    ) -> Rendered:
        if said is not None and use is None:
            return said
        if use is None or said is not None:
            raise InvalidInput("Send a text, HTML or a template.", problems=(("/text", "or /html, or /template"),))
        return await from_template(key, use, author_id, by, tx=tx, desk=desk, rich_text=answering.rich_text)

    async def receipt(tx: Tx, key: TicketKey, message_id: UUID, status: TicketStatus) -> Answer:
        message = MessageResource.of(await timelines.message(tx, (key[0], message_id)))
        delivery = message.delivery or DeliveryResource(state=DeliveryState.NONE)
        parts = None
        if message.channel_kind is ChannelKind.SMS:
            encoding, count = segments(message.text)
            parts = SegmentsResource(encoding=encoding, count=count)
        shown = ReplyReceipt(message=message, delivery=delivery, ticket_status=status, segments=parts)
        return Answer.of(201, shown)

    @router.post("/v1/tickets/{ticket_id}/replies", status_code=201, response_model=ReplyReceipt)
    async def reply_to_ticket(
        ticket_id: TicketId, request: ReplyRequest, principal: Writer, once: OnceHeader
    ) -> Response:
        """Answers the customer by the ticket's channel."""
        key = principal.workspace_id, ticket_id
        by = asked_by(principal)
        said = await prepared(request.text, request.html)
        use = request.template.use() if request.template else None
        author_id = request.author_id or principal.subject

        async def unit(tx: Tx) -> Answer:
            answer = await filled(tx, key, said, use, author_id, by)
            written = Written(
                text=answer.text,
                html=answer.html,
                subject=answer.subject,
                author_id=author_id,
                author_kind=request.author_kind,
                status=request.status,
                template=_template(request.whatsapp_template),
                has_files=bool(request.attachment_ids),
            )
            ticket, message = await send_reply(key, written, by, tx=tx, desk=desk, mail=answering.visitor_mail)
            await attach(tx, message, request.attachment_ids)
            return await receipt(tx, key, message.message_id, ticket.status)

        return await once.transact(database, unit)

    @router.post("/v1/tickets/{ticket_id}/notes", status_code=201, response_model=MessageResource)
    async def note_on_ticket(
        ticket_id: TicketId, request: NoteRequest, principal: Writer, once: OnceHeader
    ) -> Response:
        """Leaves a note that only the staff sees."""
        key = principal.workspace_id, ticket_id
        by = asked_by(principal)
        said = await prepared(request.text, request.html)
        if said is None:
            raise InvalidInput("Send a text or HTML.", problems=(("/text", "or /html"),))
        written = Written(text=said.text, html=said.html, author_id=request.author_id or principal.subject)

        async def unit(tx: Tx) -> Answer:
            message = await add_note(key, written, by, tx=tx, desk=desk)
            await attach(tx, message, request.attachment_ids)
            shown = await timelines.message(tx, (key[0], message.message_id))
            return Answer.of(201, MessageResource.of(shown))

        return await once.transact(database, unit)

    # The path takes nothing but ids: `batch` is another resource.
    @router.get("/v1/messages/{message_id:uuid}")
    async def show_message(message_id: UUID, principal: Reader, response: Response) -> MessageResource:
        """One message, with how far it has got on its way out."""
        key = principal.workspace_id, message_id

        async def unit(tx: Tx) -> ShownMessage:
            return await timelines.message(tx, key)

        message = MessageResource.of(await database.transact(unit, workspaces=[principal.workspace_id]))
        # What is delivered meanwhile changes it without a version of its own.
        response.headers["etag"] = etag(crc32(message.model_dump_json().encode()))
        return message

    return router


def _template(asked: WhatsAppTemplateRequest | None) -> WhatsAppTemplate | None:
    if asked is None:
        return None
    return WhatsAppTemplate(name=asked.name, language=asked.language, variables=asked.variables)
