"""Replies, notes and merges of tickets, and single messages."""

from typing import Annotated
from uuid import UUID
from zlib import crc32

from fastapi import APIRouter, Path, Response

from services.intake.api.callers import Reader, Writer, asked_by
from services.intake.api.resources import (
    DeliveryResource,
    MergeReceipt,
    MergeRequest,
    MessageResource,
    NoteRequest,
    ReplyReceipt,
    ReplyRequest,
    SegmentsResource,
    TemplateRequest,
    TicketResource,
)
from services.intake.app.desk import Desk
from services.intake.app.merge_tickets import merge_tickets
from services.intake.app.ports import TicketKey
from services.intake.app.queries import ShownMessage, Timelines
from services.intake.app.send_reply import Written, add_note, send_reply
from services.intake.domain.message import DeliveryState
from services.intake.domain.segments import segments
from services.intake.domain.whatsapp import WhatsAppTemplate
from shared.db.unit_of_work import Database, Tx
from shared.http.app import api_router
from shared.http.etags import etag
from shared.http.idempotency import Answer, OnceHeader
from shared.vocabulary import ChannelKind, TicketStatus

TicketId = Annotated[UUID, Path()]


def routes(database: Database, timelines: Timelines, desk: Desk) -> APIRouter:
    """What the staff does with a ticket."""
    router = api_router("tickets")

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
        written = Written(
            text=request.text,
            html=request.html,
            author_id=request.author_id or principal.subject,
            author_kind=request.author_kind,
            status=request.status,
            template=_template(request.whatsapp_template),
        )

        async def unit(tx: Tx) -> Answer:
            ticket, message = await send_reply(key, written, by, tx=tx, desk=desk)
            return await receipt(tx, key, message.message_id, ticket.status)

        return await once.transact(database, unit)

    @router.post("/v1/tickets/{ticket_id}/notes", status_code=201, response_model=MessageResource)
    async def note_on_ticket(
        ticket_id: TicketId, request: NoteRequest, principal: Writer, once: OnceHeader
    ) -> Response:
        """Leaves a note that only the staff sees."""
        key = principal.workspace_id, ticket_id
        by = asked_by(principal)
        written = Written(text=request.text, author_id=request.author_id or principal.subject)

        async def unit(tx: Tx) -> Answer:
            message = await add_note(key, written, by, tx=tx, desk=desk)
            shown = await timelines.message(tx, (key[0], message.message_id))
            return Answer.of(201, MessageResource.of(shown))

        return await once.transact(database, unit)

    @router.post("/v1/tickets/{ticket_id}/merge", response_model=MergeReceipt)
    async def merge_ticket(
        ticket_id: TicketId, request: MergeRequest, principal: Writer, once: OnceHeader
    ) -> Response:
        """Closes the ticket and shows its messages in another one."""
        key = principal.workspace_id, ticket_id
        by = asked_by(principal)

        async def unit(tx: Tx) -> Answer:
            source, target = await merge_tickets(key, request.into, by, tx=tx, desk=desk)
            both = MergeReceipt(source=TicketResource.of(source), target=TicketResource.of(target))
            return Answer.of(200, both)

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


def _template(asked: TemplateRequest | None) -> WhatsAppTemplate | None:
    if asked is None:
        return None
    return WhatsAppTemplate(name=asked.name, language=asked.language, variables=asked.variables)
