"""How live chat is put together, for the composition root."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from services.intake.adapters.chat.chats import PostgresChats
from services.intake.adapters.chat.closing import ChatClosing
from services.intake.adapters.email.reachability import is_deliverable
from services.intake.adapters.watching import TicketWatch
from services.intake.api import chat, chat_staff, widget
from services.intake.api.chat_desk import ChatDesk
from services.intake.api.chat_door import Door
from services.intake.app.change_customer import ClientDesk
from services.intake.app.chat_ports import Aside
from services.intake.app.close_chat import ClosingDesk
from services.intake.app.desk import Desk
from services.intake.app.ports import Conversations
from services.intake.app.queries import Tickets
from services.intake.app.recipient_quota import RecipientQuota
from services.intake.settings import IntakeSettings
from shared.service import Part, Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSystem:
    """Everything about live chat that one process runs."""

    routers: Sequence[APIRouter]
    closing: ChatClosing
    parts: Sequence[Part]


def make_chat(
    runtime: Runtime,
    settings: IntakeSettings,
    *,
    desk: Desk,
    clients: ClientDesk,
    aside: Aside,
    conversations: Conversations,
    tickets: Tickets,
    quota: RecipientQuota,
    watch: TicketWatch,
) -> ChatSystem:
    """What live chat needs, on what is there."""
    chats = PostgresChats(settings.shards)
    is_development = settings.environment == "development"
    door = Door(
        runtime.database,
        desk.workspaces,
        chats,
        desk.ids,
        runtime.clock,
        secret=settings.secret.get_secret_value().encode(),
        most=settings.chat_connections,
        most_a_workspace=settings.chat_connections_of_workspace,
        is_open_to_own_page=is_development,
    )
    closing = ClosingDesk(desk=desk, chats=chats, quota=quota, is_deliverable=is_deliverable)
    chat_desk = ChatDesk(runtime.database, door, closing, clients, aside, conversations, watch, runtime.seen)
    return ChatSystem(
        routers=[
            chat.routes(runtime, chat_desk, slow_after_s=settings.chat_slow_after_s),
            chat_staff.routes(runtime.database, tickets, chats, watch),
            widget.routes(has_demo=is_development),
        ],
        closing=ChatClosing(runtime.database, closing),
        parts=[chat_desk.run],
    )
