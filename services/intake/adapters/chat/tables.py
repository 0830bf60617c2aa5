"""The tables of live chats."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from services.intake.adapters.tables import metadata
from shared.db.tables import Instant

_ZERO = text("0")

conversation = Table(
    "chat_conversation",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("identity_kind", Text, nullable=False),
    Column("identity_value", Text, nullable=False),
    Column("visitor_name", Text),
    Column("visitor_email", Text),
    Column("is_verified", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("is_answered", Boolean, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("replied_at", Instant),
    Column("received_seq", BigInteger, nullable=False, server_default=_ZERO),
    Column("read_seq", BigInteger, nullable=False, server_default=_ZERO),
    Column("staff_read_seq", BigInteger, nullable=False, server_default=_ZERO),
    Column("wants_transcript", Boolean, nullable=False, server_default=text("false")),
    Column("page", Text),
    Column("mail_channel", Text),
    Column("due_at", Instant),
    PrimaryKeyConstraint("workspace_id", "conversation_id"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["ticket.workspace_id", "ticket.ticket_id"]),
    Index("chat_conversation_by_ticket", "workspace_id", "ticket_id"),
    Index("chat_conversation_by_visitor", "workspace_id", "identity_kind", "identity_value"),
    Index("chat_conversation_due", "shard", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)
"""Conversations as they stand. A claim table: the shard's holder ends those that are left alone.

ticket_id: the one that its messages go to; due_at: when its shard's holder looks at it next
"""

entry = Table(
    "chat_entry",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("client_message_id", Text),
    PrimaryKeyConstraint("workspace_id", "conversation_id", "seq"),
    UniqueConstraint("workspace_id", "message_id", "conversation_id", name="chat_entry_is_one"),
    ForeignKeyConstraint(
        ["workspace_id", "conversation_id"],
        ["chat_conversation.workspace_id", "chat_conversation.conversation_id"],
    ),
    ForeignKeyConstraint(["workspace_id", "message_id"], ["message.workspace_id", "message.message_id"]),
)
"""The messages of a conversation, numbered without gaps.

client_message_id: by what the visitor's page knows its own
"""
