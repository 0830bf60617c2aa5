"""Ends a conversation: when its visitor says so, or when time does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.intake.app.chat_ports import ChatMessage, Chats, ConversationKey
from services.intake.app.desk import Desk, record_with_notices
from services.intake.app.outbound_message import outbound_message
from services.intake.app.recipient_quota import RecipientQuota
from services.intake.domain.chat import (
    ABANDONED,
    OUTCOME_LABEL,
    ChatOffer,
    ChatState,
    Conversation,
    Farewell,
    due_at,
    farewell,
    next_state,
)
from services.intake.domain.chat_texts import Line, missed, transcript
from services.intake.domain.classification import label_source
from services.intake.domain.customer import Customer
from services.intake.domain.lifecycle import set_status, update
from services.intake.domain.message import StaffMessage
from services.intake.domain.notice import bars_mail
from services.intake.domain.template import Rendered
from services.intake.domain.ticket import CUSTOMER, SYSTEM, Change, Ticket
from services.intake.domain.workspace import UNREADABLE_FOR, Channel, Workspace
from shared.db.unit_of_work import Tx
from shared.events.envelope import Cause
from shared.vocabulary import ActorKind, AuthorKind, ChannelKind, Purpose, TicketStatus

_MOST_LINES = 1000


IsDeliverable = Callable[[Tx, str, str], Awaitable[bool]]
"""Whether automatic mail may be sent to an address, in a workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingDesk:
    """What ending chats needs."""

    desk: Desk
    chats: Chats
    quota: RecipientQuota
    is_deliverable: IsDeliverable


@dataclass(frozen=True, slots=True)
class _Ending:
    """A conversation that ends now, in this state, and whose ticket it is."""

    chat: Conversation
    state: ChatState
    channel: Channel
    offer: ChatOffer
    workspace: Workspace
    customer: Customer
    now: datetime


async def close_chat(
    key: ConversationKey, *, tx: Tx, desk: ClosingDesk, is_leaving: bool = False
) -> ChatState | None:
    """How the conversation stands afterwards; None where there is none.

    is_leaving: the visitor says that they are done
    """
    chats, correspondence = desk.chats, desk.desk.correspondence
    seen = await chats.find(tx, key)
    if seen is None:
        return None
    located = await correspondence.locate(tx, [(key[0], seen.ticket_id)])
    chat = await chats.lock(tx, key)
    if chat is None or (key[0], chat.ticket_id) not in located:
        return None
    ticket = located[key[0], chat.ticket_id].ticket
    workspace = (await desk.desk.workspaces.load(tx, [key[0]]))[key[0]]
    now = await tx.now()
    if not workspace.is_readable:
        await chats.settle(tx, chat, now + UNREADABLE_FOR)
        return chat.state
    channel = workspace.channels.get(chat.channel)
    if channel is None or channel.chat is None:
        await chats.settle(tx, chat, None)
        return chat.state
    state = next_state(chat, channel.chat, now, is_solved=not ticket.status.is_unsolved)
    if is_leaving and chat.state is ChatState.OPEN:
        state = ChatState.LEFT if chat.replied_at else ChatState.ABANDONED
    if state is not chat.state:
        of = ticket.workspace_id, ticket.customer_id
        customer = (await correspondence.customers(tx, [of]))[of]
        ending = _Ending(chat, state, channel, channel.chat, workspace, customer, now)
        has_mail = await _end(ending, ticket, tx=tx, desk=desk)
        chat = replace(chat, state=state, wants_transcript=chat.wants_transcript and not has_mail)
    await chats.settle(tx, chat, due_at(chat, channel.chat, now))
    return chat.state


async def _end(ending: _Ending, ticket: Ticket, *, tx: Tx, desk: ClosingDesk) -> bool:
    """Does to the ticket what the end of its chat does to it; whether a mail goes out with that."""
    if ticket.status is TicketStatus.CLOSED:
        return False
    change, mail = Change(ticket, ()), None
    customer = ending.customer
    may_contact = not customer.do_not_contact and customer.erased_at is None
    said = farewell(ending.chat, ending.offer, ending.state, may_contact=may_contact)
    if said is not None and await _may_mail(ending, tx=tx, desk=desk):
        text = await _text(said, ending, ticket.language, tx=tx, chats=desk.chats)
        change, mail = _mail(ending, text, ticket, desk.desk.ids.new())
        await desk.desk.correspondence.add_staff_message(tx, mail)
    change = change.then(_settled(ending, change.ticket))
    if change.facts:
        await record_with_notices(change, customer, Cause(), ending.workspace, tx=tx, desk=desk.desk)
    return mail is not None


async def _may_mail(ending: _Ending, *, tx: Tx, desk: ClosingDesk) -> bool:
    """Whether the visitor's address takes mail and has not had too much: less if nobody vouches for it."""
    visitor, workspace = ending.chat.visitor, ending.workspace
    address = visitor.email
    if address is None or ending.offer.mail_channel not in workspace.channels or bars_mail(address, workspace):
        return False
    if not await desk.is_deliverable(tx, ending.chat.workspace_id, address):
        return False
    purpose = Purpose.STATUS if visitor.has_own_email else Purpose.ACK
    return await desk.quota.take(tx, address, purpose, ending.now)


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


async def _text(said: Farewell, ending: _Ending, language: str | None, *, tx: Tx, chats: Chats) -> str:
    if said is Farewell.MISSED:
        return missed(language)
    chat = ending.chat
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
