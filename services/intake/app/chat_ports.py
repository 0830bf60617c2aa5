"""What live chats need of the world. A conversation is locked after its ticket."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from services.intake.app.ports import Receipt, TicketKey
from services.intake.app.receive_message import Arrival
from services.intake.domain.chat import Conversation, Visitor
from services.intake.domain.message import Chatted, InboundMessage
from shared.db.unit_of_work import Tx
from shared.errors import WaypostError
from shared.vocabulary import TicketStatus

ConversationKey = tuple[str, UUID]
"""Workspace and conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A message on its way from a visitor's page, by which it is known as `client_message_id`."""

    conversation: ConversationKey
    channel: str
    visitor: Visitor
    client_message_id: str
    text: str = field(repr=False)
    language: str | None = None
    page: str | None = None


ChatAuthor = Literal["visitor", "agent", "bot", "system"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """A message in its place in a conversation."""

    seq: int
    message_id: UUID
    author_kind: ChatAuthor
    author_id: str | None
    client_message_id: str | None
    text: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A conversation with the ticket that has it now, wherever that was merged."""

    chat: Conversation
    ticket_id: UUID
    ticket_status: TicketStatus
    has_agent: bool


@dataclass(frozen=True, slots=True)
class Marked:
    """What somebody has read: the last message of it, and the conversation's ticket."""

    ticket_id: UUID
    message_id: UUID


class Aside(Protocol):
    """Messages that rules put aside for a person to look at."""

    async def keep(self, tx: Tx, arrivals: Sequence[Arrival], results: Sequence[Receipt | WaypostError]) -> None:
        """Keeps those of the arrivals that are quarantined."""
        ...


class Chats(Protocol):
    """Conversations and the order of their messages."""

    async def find(self, tx: Tx, key: ConversationKey) -> Conversation | None:
        """A conversation, not locked."""
        ...

    async def standing(self, tx: Tx, key: ConversationKey) -> Standing | None:
        """A conversation with its ticket."""
        ...

    async def messages(self, tx: Tx, key: ConversationKey, after: int, most: int) -> list[ChatMessage]:
        """The messages that follow a number."""
        ...

    async def place_of(self, tx: Tx, key: ConversationKey, message_id: UUID) -> ChatMessage | None:
        """A message of the conversation by its id."""
        ...

    async def add(
        self,
        tx: Tx,
        message: InboundMessage,
        chat: Chatted,
        ticket_id: UUID,
        at: datetime,
        mail_channel: str | None,
    ) -> None:
        """Gives the visitor's message its number, and opens the conversation where it is new or has ended.

        Whom the site vouches for keeps it. What a person lets in later opens none that has ended.
        """
        ...

    async def mark(self, tx: Tx, key: ConversationKey, *, received: int, read: int) -> Marked | None:
        """Keeps up to where the visitor has everything and has read it; the newest that is read now, if any."""
        ...

    async def mark_staff(self, tx: Tx, ticket: TicketKey, message_id: UUID | None) -> bool:
        """Keeps that the staff has read a ticket's chats, all or up to a message. Whether that says anything."""
        ...

    async def of_ticket(self, tx: Tx, ticket: TicketKey) -> Conversation | None:
        """The conversation that a ticket is about, or of one that went up in it."""
        ...

    async def ask_transcript(self, tx: Tx, key: ConversationKey, email: str | None) -> bool:
        """Keeps that the visitor wants a transcript, and where. Whether there is such a conversation."""
        ...

    async def lock(self, tx: Tx, key: ConversationKey) -> Conversation | None:
        """A conversation to change."""
        ...

    async def settle(self, tx: Tx, chat: Conversation, due_at: datetime | None) -> None:
        """Keeps its state, and when it is looked at next."""
        ...

    async def see(self, tx: Tx, keys: Collection[ConversationKey]) -> None:
        """Keeps that these visitors are connected."""
        ...
