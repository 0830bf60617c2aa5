"""Where a visitor's message belongs, both when it comes and when a person lets it in later."""

from dataclasses import replace

from services.intake.app.chat_ports import Chats
from services.intake.app.ports import Conversations, Receipt
from services.intake.domain.message import Disposition, InboundMessage
from services.intake.domain.workspace import Channel
from shared.db.unit_of_work import Tx


async def with_ticket(
    message: InboundMessage, *, tx: Tx, conversations: Conversations, chats: Chats
) -> InboundMessage:
    """The message as one to the ticket of its conversation, if that has begun. Others are not of a chat.

    Whoever writes at the same moment in the same name waits here: a conversation opens one ticket.
    """
    if message.chat is None or message.sender.identity is None:
        return message
    await conversations.lock_customers(tx, {(message.workspace_id, message.sender.identity)})
    chat = await chats.find(tx, (message.workspace_id, message.chat.conversation_id))
    return replace(message, ticket_id=chat.ticket_id) if chat else message


async def place_in_chat(
    message: InboundMessage, receipt: Receipt, channel: Channel, *, tx: Tx, chats: Chats
) -> None:
    """Gives a message that was received its number in its conversation, where it has none."""
    if message.chat is None or channel.chat is None or receipt.ticket_id is None:
        return
    if receipt.disposition is not Disposition.DUPLICATE:
        await chats.add(tx, message, message.chat, receipt.ticket_id, await tx.now(), channel.chat.mail_channel)
