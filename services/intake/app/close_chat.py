"""Ends a conversation: when its visitor says so, or when time does."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.app.chat_ports import ChatMessage, Chats, ConversationKey
from services.intake.app.desk import Desk, record_with_notices
from services.intake.app.outbound_message import outbound_message
from services.intake.domain.chat import (
    ABANDONED,
    OUTCOME_LABEL,
    ChatOffer,
    ChatState,
    Conversation,
    due_at,
    next_state,
)
from services.intake.domain.chat_texts import Line, missed, transcript
from services.intake.domain.classification import label_source
from services.intake.domain.lifecycle import set_status, update
from services.intake.domain.message import StaffMessage
from services.intake.domain.template import Rendered
from services.intake.domain.ticket import CUSTOMER, SYSTEM, Change, Ticket
from services.intake.domain.workspace import Channel, Workspace
from shared.db.unit_of_work import Tx
from shared.events.envelope import Cause
from shared.vocabulary import ActorKind, AuthorKind, ChannelKind, Purpose, TicketStatus

MOST_MAILS = 3
"""To one address that nobody vouches for, within an hour."""

_HOUR = timedelta(hours=1)
_MOST_LINES = 1000


@dataclass(frozen=True, slots=True)
class _Ending:
    """A conversation that ends now, in this state."""

    chat: Conversation
    state: ChatState
    channel: Channel
    offer: ChatOffer
    workspace: Workspace
    now: datetime


async def close_chat(
    key: ConversationKey, *, tx: Tx, desk: Desk, chats: Chats, is_leaving: bool = False
) -> ChatState | None:
    """How the conversation stands afterwards; None where there is none.

    is_leaving: the visitor says that they are done
    """
    seen = await chats.find(tx, key)
    if seen is None:
        return None
    located = await desk.correspondence.locate(tx, [(key[0], seen.ticket_id)])
    chat = await chats.lock(tx, key)
    if chat is None or (key[0], chat.ticket_id) not in located:
        return None
    ticket = located[key[0], chat.ticket_id].ticket
    workspace = (await desk.workspaces.load(tx, [key[0]]))[key[0]]
    channel = workspace.channels.get(chat.channel)
    if channel is None or channel.chat is None:
        await chats.settle(tx, chat, None)
        return chat.state
    now = await tx.now()
    state = next_state(chat, channel.chat, now, is_solved=not ticket.status.is_unsolved)
    if is_leaving and chat.state is ChatState.OPEN:
        state = ChatState.LEFT if chat.replied_at else ChatState.ABANDONED
    if state is not chat.state:
        ending = _Ending(chat, state, channel, channel.chat, workspace, now)
        has_mail = await _end(ending, ticket, tx=tx, desk=desk, chats=chats)
        chat = replace(chat, state=state, wants_transcript=chat.wants_transcript and not has_mail)
    await chats.settle(tx, chat, due_at(chat, channel.chat, now))
    return chat.state


async def _end(ending: _Ending, ticket: Ticket, *, tx: Tx, desk: Desk, chats: Chats) -> bool:
    """Does to the ticket what the end of its chat does to it; whether a mail goes out with that."""
    if ticket.status is TicketStatus.CLOSED:
        return False
    change, mail = Change(ticket, ()), None
    text = await _text(ending, ticket.language, tx=tx, chats=chats)
    if text is not None:
        change, mail = _mail(ending, text, ticket, desk.ids.new())
        await desk.correspondence.add_staff_message(tx, mail)
        await chats.mailed(tx, ending.chat.key, ending.now)
    change = change.then(_settled(ending, change.ticket))
    if change.facts:
        of = ticket.workspace_id, ticket.customer_id
        customer = (await desk.correspondence.customers(tx, [of]))[of]
        await record_with_notices(change, customer, Cause(), ending.workspace, tx=tx, desk=desk)
    return mail is not None


def _settled(ending: _Ending, ticket: Ticket) -> Change:
    """An abandoned chat leaves its ticket to be answered, under a label; any other one solves it."""
    if ending.state is ChatState.ABANDONED:
        labels = {**ticket.labels, OUTCOME_LABEL: ABANDONED}
        sources = {**ticket.sources, label_source(OUTCOME_LABEL): ActorKind.SYSTEM.value}
        return update(ticket, SYSTEM, ending.now, labels=labels, sources=sources)
    if not ticket.status.is_unsolved:
        return Change(ticket, ())
    actor = CUSTOMER if ending.state is ChatState.LEFT else SYSTEM
    close_after = ending.workspace.close_after(ticket.channel)
    return set_status(ticket, TicketStatus.SOLVED, actor, ending.now, close_after=close_after)


async def _text(ending: _Ending, language: str | None, *, tx: Tx, chats: Chats) -> str | None:
    """What the visitor is written, if anything: not too much to an address that nobody vouches for."""
    chat, offer, visitor = ending.chat, ending.offer, ending.chat.visitor
    if visitor.email is None or offer.mail_channel not in ending.workspace.channels:
        return None
    if not visitor.has_own_email and not await chats.may_mail(tx, chat, ending.now - _HOUR, MOST_MAILS):
        return None
    if ending.state is ChatState.ABANDONED:
        return missed(language)
    is_wanted = offer.offers_transcript and chat.wants_transcript
    # Who has not heard our answer gets it; what nobody of ours has looked at is not sent to a stranger's address.
    if not (is_wanted or chat.lacks_an_answer) or (chat.replied_at is None and not visitor.has_own_email):
        return None
    messages = await chats.messages(tx, chat.key, max(0, chat.last_seq - _MOST_LINES), _MOST_LINES)
    return transcript([_line(message, ending) for message in messages], language)


def _line(message: ChatMessage, ending: _Ending) -> Line:
    if message.author_kind == "visitor":
        return Line(message.at, None, message.text)
    ours = ending.channel.name or ending.offer.subject
    return Line(message.at, ending.offer.agent_names.get(message.author_id or "", ours), message.text)


def _mail(ending: _Ending, text: str, ticket: Ticket, message_id: UUID) -> tuple[Change, StaffMessage]:
    """A mail to the visitor, as a message of the ticket."""
    channel = ending.offer.mail_channel
    assert channel is not None, "it was looked up"
    return outbound_message(
        ticket,
        Rendered(text=text),
        ending.now,
        message_id=message_id,
        purpose=Purpose.STATUS,
        actor=SYSTEM,
        author=(AuthorKind.SYSTEM, AuthorKind.SYSTEM.value),
        leaves=True,
        channel=(channel, ChannelKind.EMAIL),
        recipient=ending.chat.visitor.email,
    )
