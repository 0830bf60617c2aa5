"""Replies to tickets of chats: they take their place in the conversation, and are sent with it.

Whoever has left for good gets them by mail, where an address is known and they may be mailed.
"""

from collections.abc import Collection

from sqlalchemy import text

from services.intake.adapters.bells import Bells
from services.intake.adapters.chat.chats import to_conversation
from services.intake.adapters.tickets import pairs
from services.intake.app.ports import TicketKey
from services.intake.domain.chat import Conversation
from services.intake.domain.message import DeliveryState, StaffMessage
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of
from shared.vocabulary import AuthorKind, ChannelKind, Purpose

# A merged ticket's conversations go on where it went.
_APPEND = text(
    "WITH RECURSIVE family AS ("
    "SELECT t.workspace_id, t.ticket_id FROM ticket t"
    " WHERE t.workspace_id = :workspace_id AND t.ticket_id = :ticket_id"
    " UNION SELECT t.workspace_id, t.ticket_id FROM family f"
    " JOIN ticket t ON t.workspace_id = f.workspace_id AND t.merged_into = f.ticket_id)"
    ", held AS (SELECT c.workspace_id, c.conversation_id, c.last_at FROM family f"
    " JOIN chat_conversation c ON c.workspace_id = f.workspace_id AND c.ticket_id = f.ticket_id"
    " ORDER BY c.conversation_id FOR UPDATE OF c)"
    ", grown AS (UPDATE chat_conversation c SET last_seq = c.last_seq + 1,"
    # Notices answer nobody: whoever waits goes on waiting.
    " last_at = CASE WHEN :is_reply THEN CAST(:at AS timestamptz) ELSE c.last_at END,"
    " is_answered = c.is_answered OR :is_reply,"
    " replied_at = CASE WHEN :is_human THEN COALESCE(c.replied_at, :at) ELSE c.replied_at END,"
    " due_at = CASE WHEN c.state = 'open' THEN CAST(:at AS timestamptz) END"
    " FROM held WHERE c.workspace_id = held.workspace_id AND c.conversation_id = held.conversation_id"
    " RETURNING c.*)"
    ", placed AS (INSERT INTO chat_entry (workspace_id, conversation_id, seq, message_id)"
    " SELECT workspace_id, conversation_id, last_seq, :message_id FROM grown)"
    " SELECT c.* FROM grown c JOIN held USING (workspace_id, conversation_id)"
    " ORDER BY (c.ticket_id = :ticket_id) DESC, held.last_at DESC"
)
# The one that a reply is looked at for, where there are several.
_OF_TICKETS = text(
    "WITH RECURSIVE family AS ("
    "SELECT t.workspace_id, t.ticket_id, t.ticket_id AS asked"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id) WHERE t.channel_kind = 'chat'"
    " UNION SELECT t.workspace_id, t.ticket_id, f.asked FROM family f"
    " JOIN ticket t ON t.workspace_id = f.workspace_id AND t.merged_into = f.ticket_id)"
    " SELECT DISTINCT ON (f.workspace_id, f.asked) f.asked, c.* FROM family f"
    " JOIN chat_conversation c ON c.workspace_id = f.workspace_id AND c.ticket_id = f.ticket_id"
    " ORDER BY f.workspace_id, f.asked, (c.ticket_id = f.asked) DESC, c.last_at DESC"
)
_ADDRESS = text(
    "UPDATE message SET delivered_to = to_jsonb(CAST(:recipients AS text[]))"
    " WHERE workspace_id = :workspace_id AND message_id = :message_id"
)
_DELIVERY = text(
    "INSERT INTO delivery (workspace_id, message_id, shard, ticket_id, channel, channel_kind, state, queued_at,"
    " next_attempt_at) VALUES (:workspace_id, :message_id, :shard, :ticket_id, :channel, :kind, :state, :at, :at)"
)


async def chats_of(tx: Tx, tickets: Collection[TicketKey]) -> dict[TicketKey, Conversation]:
    """By whose state replies to these tickets go."""
    rows = (await tx.execute(_OF_TICKETS, pairs(tickets))).mappings()
    return {(row["workspace_id"], row["asked"]): to_conversation(row) for row in rows}


class ChatReplies:
    """Puts what the staff writes into conversations, in the transaction that stores it."""

    def __init__(self, shards: int, outbound: Bells) -> None:
        self._shards = shards
        self._outbound = outbound

    async def append(self, tx: Tx, message: StaffMessage) -> None:
        """Places a stored reply. A ticket of no conversation has nowhere to send it."""
        is_reply = message.author_kind is not AuthorKind.SYSTEM and message.purpose is Purpose.REPLY
        is_human = is_reply and message.author_kind is AuthorKind.AGENT
        named = {"workspace_id": message.workspace_id, "message_id": message.message_id}
        rows = await tx.execute(
            _APPEND,
            {
                **named,
                "ticket_id": message.ticket_id,
                "at": message.created_at,
                "is_reply": is_reply,
                "is_human": is_human,
            },
        )
        row = rows.mappings().first()
        if row is None:
            return
        chat = to_conversation(row)
        mail_to = None if message.stays_in_chat else chat.mail_to
        if mail_to:
            await tx.execute(_ADDRESS, {**named, "recipients": [mail_to]})
            await self._outbound.ring_after(tx, [message.workspace_id])
        await tx.execute(
            _DELIVERY,
            {
                **named,
                "shard": shard_of(message.workspace_id, self._shards),
                "ticket_id": message.ticket_id,
                "channel": chat.mail_channel if mail_to else message.channel,
                "kind": ChannelKind.EMAIL if mail_to else ChannelKind.CHAT,
                "state": DeliveryState.QUEUED if mail_to else DeliveryState.SENT,
                "at": message.created_at,
            },
        )
