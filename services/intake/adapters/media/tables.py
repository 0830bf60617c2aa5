"""The table of files that are still with their providers."""

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from services.intake.adapters.tables import metadata
from shared.db.tables import Instant

media_fetch = Table(
    "media_fetch",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("attachment_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("filename", Text),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", Instant, nullable=False),
    Column("last_error", Text),
    Column("provider", Text),
    PrimaryKeyConstraint("workspace_id", "attachment_id"),
    ForeignKeyConstraint(["workspace_id", "message_id"], ["message.workspace_id", "message.message_id"]),
    Index("media_fetch_by_message", "workspace_id", "message_id"),
    Index("media_fetch_due", "shard", "next_attempt_at", postgresql_where=text("state = 'waiting'")),
)
"""Files of messages that are still with their providers: waiting, fetched or failed. A claim table.

attachment_id: of the attachment that it becomes
"""
