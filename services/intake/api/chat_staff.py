"""The staff's side of a live chat, beside replies and the ticket's stream: typing, read marks, how it stands."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel

from services.intake.adapters.watching import Passing, TicketWatch
from services.intake.api.callers import Reader, Writer, asked_by
from services.intake.api.resources import ReadRequest, TypingRequest
from services.intake.app.chat_ports import Chats
from services.intake.app.queries import Tickets
from services.intake.domain.chat import ChatState, Conversation
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.http.app import api_router

TicketId = Annotated[UUID, Path()]


class ChatResource(BaseModel):
    """A ticket's chat as it stands. `seen_at` says when its visitor was last known to be connected.

    received, read, staff_read: how many of its messages the visitor has, and each side has read
    """

    conversation_id: UUID
    state: ChatState
    visitor_name: str | None
    visitor_email: str | None
    is_verified: bool
    page: str | None
    messages: int
    received: int
    read: int
    staff_read: int
    seen_at: datetime
    replied_at: datetime | None

    @classmethod
    def of(cls, chat: Conversation) -> Self:
        """As it is shown."""
        return cls(
            conversation_id=chat.conversation_id,
            state=chat.state,
            visitor_name=chat.visitor.name,
            visitor_email=chat.visitor.email,
            is_verified=chat.visitor.is_verified,
            page=chat.page,
            messages=chat.last_seq,
            received=chat.received_seq,
            read=chat.read_seq,
            staff_read=chat.staff_read_seq,
            seen_at=chat.seen_at,
            replied_at=chat.replied_at,
        )


def routes(database: Database, tickets: Tickets, chats: Chats, watch: TicketWatch) -> APIRouter:
    """What passes between the staff and a visitor beside words."""
    router = api_router("tickets")

    @router.get("/v1/tickets/{ticket_id}/chat")
    async def show_chat(ticket_id: TicketId, principal: Reader) -> ChatResource:
        """The chat that the ticket is about."""
        key = principal.workspace_id, ticket_id

        async def unit(tx: Tx) -> Conversation | None:
            await tickets.get(tx, key)
            return await chats.of_ticket(tx, key)

        chat = await database.transact(unit, workspaces=[key[0]])
        if chat is None:
            raise NotFound("The ticket is about no chat.")
        return ChatResource.of(chat)

    @router.post("/v1/tickets/{ticket_id}/typing", status_code=204)
    async def type_to_ticket(ticket_id: TicketId, request: TypingRequest, principal: Writer) -> None:
        """Shows the visitor, and who watches the ticket, that an answer is being written. Nothing is kept."""
        key = principal.workspace_id, ticket_id
        by = asked_by(principal)
        by.check(await database.transact(lambda tx: tickets.get(tx, key), workspaces=[key[0]]))
        passing = Passing(
            kind="typing",
            author_kind="agent",
            author_id=request.author_id or principal.subject,
            is_typing=request.is_typing,
        )
        await watch.pass_on(database, key, passing)

    @router.post("/v1/tickets/{ticket_id}/read", status_code=204)
    async def read_ticket(ticket_id: TicketId, request: ReadRequest, principal: Writer) -> None:
        """Shows the visitor, and who watches the ticket, up to where their messages are read."""
        key = principal.workspace_id, ticket_id
        by = asked_by(principal)

        async def unit(tx: Tx) -> None:
            by.check(await tickets.get(tx, key))
            if await chats.mark_staff(tx, key, request.message_id):
                await watch.touched(tx, [ticket_id])

        await database.transact(unit, workspaces=[key[0]])
        passing = Passing(
            kind="read",
            author_kind="agent",
            author_id=principal.subject,
            message_id=str(request.message_id) if request.message_id else None,
        )
        await watch.pass_on(database, key, passing)

    return router
