"""Where a visitor's message belongs, both when it comes and when a person lets it in later."""

from collections.abc import Collection
from dataclasses import replace

from services.intake.app.chat_ports import Chats, ConversationKey
from services.intake.app.ports import Conversations, Receipt
from services.intake.domain.chat import Conversation
from services.intake.domain.message import Disposition, Identity, InboundMessage
from services.intake.domain.workspace import Channel
from shared.db.unit_of_work import Tx


async def with_ticket(
    message: InboundMessage, *, tx: Tx, conversations: Conversations, chats: Chats
) -> InboundMessage:
    """The message as one to the ticket of its conversation, if that has begun. Others are not of a chat.

    Whoever writes at the same moment in the same name is waited for: a conversation opens one ticket.
    """
    if message.chat is None or message.sender.identity is None:
        return message
    key = message.workspace_id, message.chat.conversation_id
    chat = await begun(key, {message.sender.identity}, tx=tx, conversations=conversations, chats=chats)
    return replace(message, ticket_id=chat.ticket_id) if chat else message


async def begun(
    key: ConversationKey, of: Collection[Identity], *, tx: Tx, conversations: Conversations, chats: Chats
) -> Conversation | None:
    """The conversation, if it has begun, as it is once whoever is known by one of these has been waited for."""
    await conversations.lock_customers(tx, {(key[0], identity) for identity in of})
    return await chats.find(tx, key)


async def place_in_chat(
    message: InboundMessage, receipt: Receipt, channel: Channel, *, tx: Tx, chats: Chats
) -> None:
    """Gives a message that was received its number in its conversation, where it has none."""
    if message.chat is None or channel.chat is None or receipt.ticket_id is None:
        return
    if receipt.disposition is not Disposition.DUPLICATE:
        await chats.add(tx, message, message.chat, receipt.ticket_id, await tx.now(), channel.chat.mail_channel)
