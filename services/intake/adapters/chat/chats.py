"""Conversations in PostgreSQL: whose they are, what they say, up to where it was read."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, text

from services.intake.adapters.chat import tables  # noqa: F401 - declares the tables
from services.intake.app.chat_ports import ChatAuthor, ChatMessage, ConversationKey, Marked, Standing
from services.intake.app.ports import TicketKey
from services.intake.domain.chat import ChatState, Conversation, Visitor
from services.intake.domain.message import Chatted, Identity, IdentityKind, InboundMessage, MessageKind
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of
from shared.vocabulary import TicketStatus

_AUTHORS: dict[str, ChatAuthor] = {"agent": "agent", "bot": "bot", "system": "system"}

_FIND = "SELECT * FROM chat_conversation WHERE workspace_id = :workspace_id AND conversation_id = :conversation_id"
_STANDING = text(
    "WITH RECURSIVE chain AS ("
    "SELECT t.workspace_id, t.ticket_id, t.merged_into, t.status, t.assignee_id FROM chat_conversation c"
    " JOIN ticket t ON t.workspace_id = c.workspace_id AND t.ticket_id = c.ticket_id"
    " WHERE c.workspace_id = :workspace_id AND c.conversation_id = :conversation_id"
    " UNION SELECT t.workspace_id, t.ticket_id, t.merged_into, t.status, t.assignee_id FROM chain"
    " JOIN ticket t ON t.workspace_id = chain.workspace_id AND t.ticket_id = chain.merged_into)"
    " SELECT c.*, s.ticket_id AS survivor_id, s.status, s.assignee_id IS NOT NULL AS has_agent"
    " FROM chain s CROSS JOIN LATERAL (SELECT * FROM chat_conversation x"
    " WHERE x.workspace_id = :workspace_id AND x.conversation_id = :conversation_id) c"
    " WHERE s.merged_into IS NULL"
)
_MESSAGES = (
    "SELECT e.seq, e.client_message_id, m.message_id, m.kind, m.author_kind, m.author_id, m.text, m.created_at"
    " FROM chat_entry e JOIN message m ON m.workspace_id = e.workspace_id AND m.message_id = e.message_id"
    " WHERE e.workspace_id = :workspace_id AND e.conversation_id = :conversation_id"
)
_AFTER = text(f"{_MESSAGES} AND e.seq > :after ORDER BY e.seq LIMIT :most")
_ONE = text(f"{_MESSAGES} AND e.message_id = :message_id")
_IS_LET_IN = "CAST(:is_let_in AS boolean)"
# Nobody takes a conversation from whom the site vouches for: no stranger, and nobody's words of earlier.
_STAYS = f"c.is_verified AND ({_IS_LET_IN} OR NOT excluded.is_verified)"
_ADD = text(
    "INSERT INTO chat_conversation AS c (workspace_id, conversation_id, shard, channel, ticket_id, identity_kind,"  # noqa: S608 - constants
    " identity_value, visitor_name, visitor_email, is_verified, state, last_seq, last_at, is_answered, seen_at,"
    " page, mail_channel, due_at)"
    " VALUES (:workspace_id, :conversation_id, :shard, :channel, :ticket_id, :kind, :value, :name, :email,"
    " :is_verified, 'open', 1, :at, false, :at, :page, :mail_channel, :at)"
    " ON CONFLICT (workspace_id, conversation_id) DO UPDATE SET ticket_id = excluded.ticket_id,"
    f" identity_kind = CASE WHEN {_STAYS} THEN c.identity_kind ELSE excluded.identity_kind END,"
    f" identity_value = CASE WHEN {_STAYS} THEN c.identity_value ELSE excluded.identity_value END,"
    f" visitor_name = CASE WHEN {_STAYS} THEN c.visitor_name"
    " ELSE COALESCE(excluded.visitor_name, c.visitor_name) END,"
    f" visitor_email = CASE WHEN {_STAYS} THEN c.visitor_email"
    " ELSE COALESCE(excluded.visitor_email, c.visitor_email) END,"
    " is_verified = c.is_verified OR excluded.is_verified,"
    # Who is let in by a person need not be there any more.
    f" state = CASE WHEN {_IS_LET_IN} THEN c.state ELSE 'open' END,"
    f" seen_at = CASE WHEN {_IS_LET_IN} THEN c.seen_at ELSE excluded.seen_at END,"
    " last_seq = c.last_seq + 1, last_at = excluded.last_at, is_answered = false,"
    " page = COALESCE(excluded.page, c.page), mail_channel = excluded.mail_channel, due_at = excluded.due_at"
    " RETURNING c.last_seq"
)
_ADD_ENTRY = text(
    "INSERT INTO chat_entry (workspace_id, conversation_id, seq, message_id, client_message_id)"
    " VALUES (:workspace_id, :conversation_id, :seq, :message_id, :client_message_id)"
)
_MARK = text(
    "UPDATE chat_conversation c SET received_seq = GREATEST(c.received_seq, LEAST(:received, c.last_seq)),"
    " read_seq = GREATEST(c.read_seq, LEAST(:read, c.last_seq))"
    " FROM (SELECT received_seq, read_seq FROM chat_conversation WHERE workspace_id = :workspace_id"
    " AND conversation_id = :conversation_id FOR UPDATE) AS old"
    " WHERE c.workspace_id = :workspace_id AND c.conversation_id = :conversation_id"
    " RETURNING c.ticket_id, c.received_seq, c.read_seq, old.received_seq AS had, old.read_seq AS knew"
)
_DELIVERED = text(
    "UPDATE delivery d SET state = CASE WHEN e.seq <= :read THEN 'read' ELSE 'delivered' END FROM chat_entry e"
    " WHERE e.workspace_id = :workspace_id AND e.conversation_id = :conversation_id"
    " AND e.seq > :above AND e.seq <= :received"
    " AND d.workspace_id = e.workspace_id AND d.message_id = e.message_id"
    " AND d.channel_kind = 'chat' AND d.state IN ('sent', 'delivered')"
)
_NEWEST_READ = text(
    "SELECT e.message_id FROM chat_entry e WHERE e.workspace_id = :workspace_id"
    " AND e.conversation_id = :conversation_id AND e.seq = :seq"
)
_FAMILY = (
    "WITH RECURSIVE family AS ("
    "SELECT t.workspace_id, t.ticket_id FROM ticket t"
    " WHERE t.workspace_id = :workspace_id AND t.ticket_id = :ticket_id"
    " UNION SELECT t.workspace_id, t.ticket_id FROM family f"
    " JOIN ticket t ON t.workspace_id = f.workspace_id AND t.merged_into = f.ticket_id)"
)
_MARK_STAFF = text(
    f"{_FAMILY} UPDATE chat_conversation c SET staff_read_seq = w.seq FROM (SELECT x.conversation_id,"  # noqa: S608 - a constant
    " CASE WHEN CAST(:message_id AS uuid) IS NULL THEN x.last_seq ELSE (SELECT e.seq FROM chat_entry e"
    " WHERE e.workspace_id = x.workspace_id AND e.message_id = :message_id"
    " AND e.conversation_id = x.conversation_id) END AS seq"
    " FROM family f JOIN chat_conversation x ON x.workspace_id = f.workspace_id AND x.ticket_id = f.ticket_id"
    " ORDER BY x.conversation_id FOR UPDATE OF x) AS w"
    " WHERE c.workspace_id = :workspace_id AND c.conversation_id = w.conversation_id AND w.seq > c.staff_read_seq"
    " RETURNING c.conversation_id"
)
_OF_TICKET = text(
    f"{_FAMILY} SELECT c.* FROM family f"  # noqa: S608 - as above
    " JOIN chat_conversation c ON c.workspace_id = f.workspace_id AND c.ticket_id = f.ticket_id"
    " ORDER BY (f.ticket_id = :ticket_id) DESC, c.last_at DESC LIMIT 1"
)
_ASK = text(
    "UPDATE chat_conversation SET wants_transcript = true, visitor_email ="
    # One that the site vouches for stays.
    " CASE WHEN identity_kind = 'email' THEN visitor_email ELSE COALESCE(:email, visitor_email) END"
    " WHERE workspace_id = :workspace_id AND conversation_id = :conversation_id RETURNING conversation_id"
)
_SETTLE = text(
    "UPDATE chat_conversation SET state = :state, wants_transcript = :wants_transcript, due_at = :due_at"
    " WHERE workspace_id = :workspace_id AND conversation_id = :conversation_id"
)
_SEE = text(
    "UPDATE chat_conversation c SET seen_at = :now"
    " FROM (SELECT x.workspace_id, x.conversation_id"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, conversation_id)"
    " JOIN chat_conversation x USING (workspace_id, conversation_id)"
    # Who is being written to at this moment is seen by that.
    " ORDER BY x.workspace_id, x.conversation_id FOR UPDATE OF x SKIP LOCKED) AS here"
    " WHERE c.workspace_id = here.workspace_id AND c.conversation_id = here.conversation_id"
)


class PostgresChats:
    """Implements the port `Chats`."""

    def __init__(self, shards: int) -> None:
        self._shards = shards

    async def find(self, tx: Tx, key: ConversationKey) -> Conversation | None:
        """A conversation, not locked."""
        row = (await tx.execute(text(_FIND), _named(key))).mappings().one_or_none()
        return to_conversation(row) if row else None

    async def standing(self, tx: Tx, key: ConversationKey) -> Standing | None:
        """A conversation with its ticket."""
        row = (await tx.execute(_STANDING, _named(key))).mappings().one_or_none()
        if row is None:
            return None
        status = TicketStatus(row["status"])
        return Standing(to_conversation(row), row["survivor_id"], status, row["has_agent"])

    async def messages(self, tx: Tx, key: ConversationKey, after: int, most: int) -> list[ChatMessage]:
        """The messages that follow a number."""
        rows = await tx.execute(_AFTER, {**_named(key), "after": after, "most": most})
        return [_message(row) for row in rows.mappings()]

    async def place_of(self, tx: Tx, key: ConversationKey, message_id: UUID) -> ChatMessage | None:
        """A message of the conversation by its id."""
        row = (await tx.execute(_ONE, {**_named(key), "message_id": message_id})).mappings().one_or_none()
        return _message(row) if row else None

    async def add(
        self,
        tx: Tx,
        message: InboundMessage,
        chat: Chatted,
        ticket_id: UUID,
        at: datetime,
        mail_channel: str | None,
    ) -> None:
        """Gives the visitor's message its number, and opens the conversation where it is new or has ended."""
        named = _named((message.workspace_id, chat.conversation_id))
        identity = message.sender.identity
        assert identity is not None, "visitors are known by something"
        row = await tx.execute(
            _ADD,
            {
                **named,
                "shard": shard_of(message.workspace_id, self._shards),
                "channel": message.channel,
                "ticket_id": ticket_id,
                "kind": identity.kind.value,
                "value": identity.value,
                "name": message.sender.name,
                "email": chat.email,
                "is_verified": message.sender.is_verified,
                "is_let_in": message.is_released,
                "at": at,
                "page": chat.page,
                "mail_channel": mail_channel,
            },
        )
        entry = {
            "seq": row.scalar_one(),
            "message_id": message.message_id,
            "client_message_id": chat.client_message_id,
        }
        await tx.execute(_ADD_ENTRY, {**named, **entry})

    async def mark(self, tx: Tx, key: ConversationKey, *, received: int, read: int) -> Marked | None:
        """Keeps up to where the visitor has everything and has read it; the newest that is read now, if any."""
        named = _named(key)
        row = (await tx.execute(_MARK, {**named, "received": max(received, read), "read": read})).one_or_none()
        if row is None or (row.received_seq == row.had and row.read_seq == row.knew):
            return None
        bounds = {"read": row.read_seq, "received": row.received_seq, "above": min(row.had, row.knew)}
        await tx.execute(_DELIVERED, {**named, **bounds})
        if row.read_seq == row.knew:
            return None
        newest = (await tx.execute(_NEWEST_READ, {**named, "seq": row.read_seq})).scalar_one()
        return Marked(row.ticket_id, newest)

    async def mark_staff(self, tx: Tx, ticket: TicketKey, message_id: UUID | None) -> bool:
        """Keeps that the staff has read a ticket's chats, all or up to a message. Whether that says anything."""
        parameters = {"workspace_id": ticket[0], "ticket_id": ticket[1], "message_id": message_id}
        return bool((await tx.execute(_MARK_STAFF, parameters)).all())

    async def of_ticket(self, tx: Tx, ticket: TicketKey) -> Conversation | None:
        """The conversation that a ticket is about, or of one that went up in it."""
        parameters = {"workspace_id": ticket[0], "ticket_id": ticket[1]}
        row = (await tx.execute(_OF_TICKET, parameters)).mappings().first()
        return to_conversation(row) if row else None

    async def ask_transcript(self, tx: Tx, key: ConversationKey, email: str | None) -> bool:
        """Keeps that the visitor wants a transcript, and where. Whether there is such a conversation."""
        return (await tx.execute(_ASK, {**_named(key), "email": email})).one_or_none() is not None

    async def lock(self, tx: Tx, key: ConversationKey) -> Conversation | None:
        """A conversation to change."""
        row = (await tx.execute(text(f"{_FIND} FOR UPDATE"), _named(key))).mappings().one_or_none()
        return to_conversation(row) if row else None

    async def settle(self, tx: Tx, chat: Conversation, due_at: datetime | None) -> None:
        """Keeps its state, and when it is looked at next."""
        parameters = {"state": chat.state.value, "wants_transcript": chat.wants_transcript, "due_at": due_at}
        await tx.execute(_SETTLE, {**_named(chat.key), **parameters})

    async def see(self, tx: Tx, keys: Collection[ConversationKey]) -> None:
        """Keeps that these visitors are connected."""
        ordered = sorted(keys)
        parameters = {"workspaces": [key[0] for key in ordered], "ids": [key[1] for key in ordered]}
        await tx.execute(_SEE, {**parameters, "now": await tx.now()})


def to_conversation(row: RowMapping) -> Conversation:
    """A conversation of a row."""
    identity = Identity(kind=IdentityKind(row["identity_kind"]), value=row["identity_value"])
    return Conversation(
        workspace_id=row["workspace_id"],
        conversation_id=row["conversation_id"],
        channel=row["channel"],
        ticket_id=row["ticket_id"],
        visitor=Visitor(
            identity=identity,
            name=row["visitor_name"],
            email=row["visitor_email"],
            is_verified=row["is_verified"],
        ),
        state=ChatState(row["state"]),
        last_seq=row["last_seq"],
        last_at=row["last_at"],
        is_answered=row["is_answered"],
        seen_at=row["seen_at"],
        replied_at=row["replied_at"],
        received_seq=row["received_seq"],
        read_seq=row["read_seq"],
        staff_read_seq=row["staff_read_seq"],
        wants_transcript=row["wants_transcript"],
        page=row["page"],
        mail_channel=row["mail_channel"],
    )


def _named(key: ConversationKey) -> dict[str, object]:
    return {"workspace_id": key[0], "conversation_id": key[1]}


def _message(row: RowMapping) -> ChatMessage:
    return ChatMessage(
        seq=row["seq"],
        message_id=row["message_id"],
        author_kind="visitor" if row["kind"] == MessageKind.INBOUND else _AUTHORS[row["author_kind"]],
        author_id=row["author_id"],
        client_message_id=row["client_message_id"],
        text=row["text"],
        at=row["created_at"],
    )
