"""The tables of what leaves."""

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
from sqlalchemy.dialects.postgresql import JSONB

from services.intake.adapters.tables import metadata
from shared.db.tables import Instant

delivery = Table(
    "delivery",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("channel_kind", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'queued'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("queued_at", Instant, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("last_error", Text),
    Column("provider_id", Text),
    Column("recipient", Text),
    Column("round", Integer, nullable=False, server_default=text("0")),
    Column("template", JSONB(none_as_null=True)),
    Column("sent_at", Instant),
    Column("delivered_at", Instant),
    Column("read_at", Instant),
    Column("failed_at", Instant),
    PrimaryKeyConstraint("workspace_id", "message_id"),
    ForeignKeyConstraint(["workspace_id", "message_id"], ["message.workspace_id", "message.message_id"]),
    Index("delivery_due", "shard", "next_attempt_at", postgresql_where=text("state = 'queued'")),
    Index(
        "delivery_by_lane",
        *("shard", "workspace_id", "channel", "next_attempt_at"),
        postgresql_where=text("state = 'queued'"),
    ),
    Index(
        "delivery_begun",
        *("workspace_id", "ticket_id", "message_id"),
        postgresql_where=text("state = 'queued' AND attempts <= 1"),
    ),
    Index(
        "delivery_undelivered",
        *("workspace_id", "message_id"),
        postgresql_where=text("state IN ('queued', 'failed', 'bounced')"),
    ),
    Index(
        "delivery_by_provider_id",
        *("workspace_id", "channel", "provider_id"),
        postgresql_where=text("provider_id IS NOT NULL"),
    ),
)
"""What leaves by a channel, a row a message: queued, sent, delivered, read, bounced or failed. A claim table.

next_attempt_at: when it is due; the shard's holder sends it (`adapters/outbound/sending.py`)
recipient: the mail address that it was sent to; round: how often the staff had it sent again
provider_id: by what the provider that took it knows it; template: the one that goes in the text's place
"""

delivery_receipt = Table(
    "delivery_receipt",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sent_at", Instant),
    Column("delivered_at", Instant),
    Column("read_at", Instant),
    Column("failed_at", Instant),
    Column("reason", Text),
    Column("received_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "channel", "provider_id"),
    Index("delivery_receipt_by_age", "workspace_id", "received_at"),
)
"""What providers told about messages that we do not know, or not yet: joined when we do, forgotten after days."""

opt_out = Table(
    "opt_out",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "channel", "kind", "value"),
)
"""Who wants no messages of ours by a channel. kind, value: the identity"""
