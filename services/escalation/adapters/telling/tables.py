"""The tables of what staff is told."""

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Interval,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.escalation.adapters.tables import metadata
from shared.db.tables import Instant

notification = Table(
    "notification",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("notification_id", Uuid, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("ticket_id", Uuid),
    Column("escalation_id", Uuid, nullable=False),
    Column("way", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text),
    Column("payload", JSONB, nullable=False),
    Column("urgency", Text, nullable=False, server_default=text("'high'")),
    Column("otherwise", JSONB, nullable=False, server_default=text("'[]'")),
    Column("instead_of", Uuid),
    Column("state", Text, nullable=False),
    Column("held_until", Instant),
    Column("send_at", Instant),
    Column("message_id", Uuid),
    Column("detail", Text),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    PrimaryKeyConstraint("workspace_id", "notification_id"),
    Index("notification_to_send", "shard", "send_at", postgresql_where=text("send_at IS NOT NULL")),
    Index("notification_over", "shard", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    Index(
        "notification_by_addressee",
        "address",
        "way",
        "workspace_id",
        "send_at",
        postgresql_where=text("send_at IS NOT NULL"),
    ),
    Index("notification_by_message", "message_id", "workspace_id", "notification_id"),
    Index("notification_by_escalation", "escalation_id", "workspace_id", "notification_id"),
    Index("notification_by_ticket", "ticket_id", "workspace_id", "notification_id"),
    Index("notification_by_name", "name", "workspace_id", "notification_id"),
    Index(
        "notification_once_instead",
        "instead_of",
        "workspace_id",
        unique=True,
        postgresql_where=text("instead_of IS NOT NULL"),
    ),
)
"""What people and systems are told, and what became of it. A claim table.

send_at: when it goes into a message; those of one recipient that may go at the same time go together
"""

message = Table(
    "message",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("way", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("next_attempt_at", Instant),
    Column("detail", Text),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    PrimaryKeyConstraint("workspace_id", "message_id"),
    Index("message_by_attempt", "shard", "next_attempt_at", postgresql_where=text("next_attempt_at IS NOT NULL")),
    Index("message_over", "shard", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    Index("message_by_addressee", "address", "way", "workspace_id", "created_at"),
    Index(
        "message_waiting",
        "address",
        "way",
        "workspace_id",
        "next_attempt_at",
        postgresql_where=text("next_attempt_at IS NOT NULL"),
    ),
)
"""What really goes out: to people one message for all that waits for them, to systems one a notification.

A claim table. message_id: that of the first notification in it
"""

attempt = Table(
    "attempt",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("answer", Text, nullable=False),
    Column("code", SmallInteger),
    Column("detail", Text),
    Column("took", Interval),
    PrimaryKeyConstraint("workspace_id", "message_id", "number"),
    ForeignKeyConstraint(
        ["workspace_id", "message_id"], ["message.workspace_id", "message.message_id"], ondelete="CASCADE"
    ),
)
"""Each attempt to deliver a message: the evidence. code: the status of HTTP, or the reply of SMTP"""

webhook_gone = Table(
    "webhook_gone",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("webhook_id", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("gone_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "webhook_id", "url"),
)
"""Webhooks that answered 410 at this address: they get nothing more there."""

left_alone = Table(
    "left_alone",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("until", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "way", "address"),
)
"""Who has asked not to be told anything until then (`Retry-After`)."""
