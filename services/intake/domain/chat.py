"""Live chats: how a channel offers them, how one stands, and what time does to it.

A conversation begins with the visitor's first message, which opens its ticket. It stays the visitor's for
as long as they can resume it; a message to one that has ended takes it up again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.intake.domain.message import Identity, email_identity
from shared.vocabulary import TicketStatus

OUTCOME_LABEL = "chat_outcome"
ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOffer:
    """How a channel offers chats.

    public_key: what the widget on the customer's site shows; origins: the sites that it may stand on
    secrets: what that site signs visitors' tokens with; subject: of tickets, as visitors write none
    idle_after: how long after the last message a chat ends; abandon_after: how long a visitor may be gone
    before the first human reply until the chat counts as abandoned
    mail_channel: by which transcripts and answers to those who have left go out
    agent_names: by what visitors know agents
    """

    public_key: str
    origins: frozenset[str]
    secrets: tuple[str, ...] = field(default=(), repr=False)
    greeting: str = ""
    subject: str = "Chat"
    idle_after: timedelta
    abandon_after: timedelta
    offers_transcript: bool = False
    mail_channel: str | None = None
    agent_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who chats. email: where mail reaches them, if they said so; is_verified: the customer's site says so."""

    identity: Identity
    name: str | None = None
    email: str | None = None
    is_verified: bool = False

    @property
    def has_own_email(self) -> bool:
        """Whether the site vouches for the address too: one that the visitor gave may be anybody's."""
        return self.is_verified and self.email is not None and self.identity == email_identity(self.email)


class ChatState(StrEnum):
    """Where a conversation stands; a message opens it again."""

    OPEN = "open"
    ABANDONED = "abandoned"
    IDLE = "closed_idle"
    SOLVED = "solved"
    LEFT = "left"


class Farewell(StrEnum):
    """What is mailed to a visitor whose chat has ended."""

    MISSED = "missed"
    TRANSCRIPT = "transcript"


class ChatStatus(StrEnum):
    """What the visitor is shown."""

    WAITING = "waiting"
    JOINED = "joined"
    SOLVED = "solved"
    CLOSED_IDLE = "closed_idle"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation as it stands. Its messages are numbered 1 to `last_seq`, without gaps.

    is_answered: whether the last message, notices aside, is the staff's; last_at: when it was stored
    seen_at: when the visitor was last known to be connected; replied_at: when an agent first answered
    received_seq, read_seq: up to where the visitor has everything, and has read it; staff_read_seq: the staff
    page: where the visitor was when they wrote last; mail_channel: by which mail to them leaves
    """

    workspace_id: str
    conversation_id: UUID
    channel: str
    ticket_id: UUID
    visitor: Visitor
    state: ChatState
    last_seq: int
    last_at: datetime
    is_answered: bool
    seen_at: datetime
    replied_at: datetime | None = None
    received_seq: int = 0
    read_seq: int = 0
    staff_read_seq: int = 0
    wants_transcript: bool = False
    page: str | None = None
    mail_channel: str | None = None

    @property
    def key(self) -> tuple[str, UUID]:
        """Workspace and conversation."""
        return self.workspace_id, self.conversation_id

    @property
    def mail_to(self) -> str | None:
        """Where replies go by mail: whoever has left for good finds them in the chat only if they come back."""
        return self.visitor.email if self.state is not ChatState.OPEN and self.mail_channel else None

    @property
    def lacks_an_answer(self) -> bool:
        """Whether the staff's last words have not reached the visitor."""
        return self.is_answered and self.received_seq < self.last_seq


def next_state(chat: Conversation, offer: ChatOffer, now: datetime, *, is_solved: bool) -> ChatState:
    """How the conversation stands once time has had its say. One whose visitor waits for us never goes idle."""
    if chat.state is not ChatState.OPEN:
        return chat.state
    if chat.replied_at is None and not is_solved and now >= chat.seen_at + offer.abandon_after:
        return ChatState.ABANDONED
    if now >= chat.last_at + offer.idle_after:
        if is_solved:
            return ChatState.SOLVED
        if chat.is_answered:
            return ChatState.IDLE
    return ChatState.OPEN


def due_at(chat: Conversation, offer: ChatOffer, now: datetime) -> datetime | None:
    """When time may have something to say next."""
    if chat.state is not ChatState.OPEN:
        return None
    idle_at = chat.last_at + offer.idle_after
    due = idle_at if idle_at > now else now + offer.idle_after
    if chat.replied_at is None:
        due = min(due, max(chat.seen_at, now - offer.abandon_after) + offer.abandon_after)
    # Never at once again: what is due and changes nothing waits a little.
    return max(due, now + timedelta(seconds=1))


def farewell(chat: Conversation, offer: ChatOffer, state: ChatState, *, may_contact: bool) -> Farewell | None:
    """What the visitor is mailed when their chat ends like this. What they asked for comes in any case.

    may_contact: whether anything may be sent to them that they have not asked for
    """
    if chat.visitor.email is None or offer.mail_channel is None:
        return None
    if state is ChatState.ABANDONED:
        return Farewell.MISSED if may_contact else None
    # What nobody of ours has looked at is not sent to an address that may be anybody's.
    if chat.replied_at is None and not chat.visitor.has_own_email:
        return None
    is_asked = offer.offers_transcript and chat.wants_transcript
    # Who has not heard our answer gets it.
    return Farewell.TRANSCRIPT if is_asked or (chat.lacks_an_answer and may_contact) else None


def shown_status(state: ChatState, ticket: TicketStatus, *, has_agent: bool) -> ChatStatus:
    """What the visitor is shown of a conversation and its ticket."""
    if state is ChatState.IDLE:
        return ChatStatus.CLOSED_IDLE
    if state is ChatState.LEFT:
        return ChatStatus.ENDED
    if not ticket.is_unsolved:
        return ChatStatus.SOLVED
    return ChatStatus.JOINED if has_agent else ChatStatus.WAITING


def accepts_origin(offer: ChatOffer, origin: str | None) -> bool:
    """Whether the widget may stand on the page of this origin. Browsers always say which it is."""
    return origin is not None and origin.lower() in offer.origins
