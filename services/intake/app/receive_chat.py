"""Takes a visitor's message: the first one opens the conversation's ticket, all in one commit."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.intake.app.change_customer import ClientDesk, add_customer
from services.intake.app.chat_ports import Aside, Chats, Wording
from services.intake.app.desk import By
from services.intake.app.identify_customer import identify_customer
from services.intake.app.opening import new_customer
from services.intake.app.place_in_chat import begun, place_in_chat
from services.intake.app.ports import Conversations, Workspaces
from services.intake.app.receive_message import Arrival, receive_messages
from services.intake.app.visitor_tokens import check_goes_on
from services.intake.domain.chat import Conversation
from services.intake.domain.message import Chatted, InboundMessage, Sender
from services.intake.domain.ticket import SYSTEM
from shared.db.unit_of_work import Tx
from shared.errors import DomainError, NotAllowed
from shared.events.envelope import Cause
from shared.ids import IdFactory


@dataclass(frozen=True, slots=True)
class Taken:
    """A visitor's message in its place."""

    seq: int
    at: datetime
    ticket_id: UUID


async def receive_chat(
    words: Wording,
    cause: Cause,
    *,
    tx: Tx,
    conversations: Conversations,
    workspaces: Workspaces,
    chats: Chats,
    clients: ClientDesk,
    aside: Aside,
    ids: IdFactory,
) -> Taken | None:
    """The message's place; a repeat has that of the first. None where a rule does not let it in.

    Raises BadVisitorToken where the conversation has become somebody else's, and DomainError where the message
    cannot be taken.
    """
    workspace_id = words.conversation[0]
    chat = await _waited_for(words, tx=tx, conversations=conversations, chats=chats)
    check_goes_on(chat, words.visitor)
    if chat is not None and words.visitor.is_verified and not chat.visitor.is_verified:
        await _recognise(words, chat, cause, tx=tx, desk=clients)
    workspace = (await workspaces.load(tx, [workspace_id]))[workspace_id]
    channel = workspace.channel(words.channel)
    if channel.chat is None:
        raise NotAllowed("The channel has no chats any more.")
    written = _message(words, ids.new(), channel.chat.subject)
    message = replace(written, ticket_id=chat.ticket_id) if chat else written
    arrivals = [Arrival(message, cause)]
    (receipt,) = await receive_messages(
        arrivals, tx=tx, conversations=conversations, workspaces=workspaces, ids=ids
    )
    if isinstance(receipt, DomainError):
        raise receipt
    if receipt.ticket_id is None:
        await aside.keep(tx, arrivals, [receipt])
        return None
    await place_in_chat(message, receipt, channel, tx=tx, chats=chats)
    placed = await chats.place_of(tx, words.conversation, receipt.message_id)
    assert placed is not None, "a message and its place commit together"
    return Taken(placed.seq, placed.at, receipt.ticket_id)


def _message(words: Wording, message_id: UUID, subject: str) -> InboundMessage:
    workspace_id, conversation_id = words.conversation
    return InboundMessage(
        workspace_id=workspace_id,
        message_id=message_id,
        channel=words.channel,
        sender=_sender(words),
        subject=subject,
        text=words.text,
        text_new=words.text,
        language=words.language,
        dedupe_key=f"{conversation_id.hex}/{words.client_message_id}",
        chat=Chatted(
            conversation_id=conversation_id,
            client_message_id=words.client_message_id,
            email=words.visitor.email,
            page=words.page,
        ),
    )


async def _waited_for(
    words: Wording, *, tx: Tx, conversations: Conversations, chats: Chats
) -> Conversation | None:
    """The conversation, if it has begun, behind whoever writes in it at the same moment, or logs in to it."""
    seen = await chats.find(tx, words.conversation)
    of = {words.visitor.identity, *([seen.visitor.identity] if seen else ())}
    return await begun(words.conversation, of, tx=tx, conversations=conversations, chats=chats)


async def _recognise(words: Wording, chat: Conversation, cause: Cause, *, tx: Tx, desk: ClientDesk) -> None:
    """Whoever began the conversation as nobody knows whom turns out to be the customer whom the site names."""
    workspace_id, visitor = words.conversation[0], words.visitor
    # The one that is vouched for survives.
    identities = visitor.identity, chat.visitor.identity
    known = await desk.clients.lock_customers(tx, {(workspace_id, identity) for identity in identities})
    workspace = (await desk.workspaces.load(tx, [workspace_id]))[workspace_id]
    stranger = new_customer(workspace_id, desk.ids.new(), _sender(words), workspace)
    if (workspace_id, visitor.identity) not in known:
        await add_customer(stranger, [visitor.identity], tier=None, tx=tx, desk=desk)
    by = By(actor=SYSTEM, cause=cause)
    await identify_customer(stranger, identities, {}, by, may_merge=True, tx=tx, desk=desk)


def _sender(words: Wording) -> Sender:
    visitor = words.visitor
    return Sender(identity=visitor.identity, name=visitor.name, is_verified=visitor.is_verified)
