"""Intake's own tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables import Instant, metadata

customer = Table(
    "customer",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("name", Text),
    Column("tier", Text, nullable=False),
    Column("language", Text),
    Column("time_zone", Text),
    Column("organisation_id", Text),
    Column("version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    PrimaryKeyConstraint("workspace_id", "customer_id"),
)

identity = Table(
    "identity",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    PrimaryKeyConstraint("workspace_id", "kind", "value"),
    ForeignKeyConstraint(["workspace_id", "customer_id"], ["customer.workspace_id", "customer.customer_id"]),
    Index("identity_by_customer", "workspace_id", "customer_id"),
)

ticket_number = Table(
    "ticket_number",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)

ticket = Table(
    "ticket",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("subject", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("channel_kind", Text, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("language", Text),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("follow_up_of", Uuid),
    Column("merged_into", Uuid),
    Column("first_replied_at", Instant),
    Column("solved_at", Instant),
    Column("closed_at", Instant),
    Column("assignee_id", Text),
    Column("queue", Text),
    Column("support_tier", SmallInteger),
    Column("sequence", BigInteger, nullable=False),
    Column("last_event_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "ticket_id"),
    UniqueConstraint("workspace_id", "number", name="ticket_number_is_unique"),
    ForeignKeyConstraint(["workspace_id", "customer_id"], ["customer.workspace_id", "customer.customer_id"]),
    Index("ticket_by_customer", "workspace_id", "customer_id"),
)

message = Table(
    "message",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("channel_kind", Text, nullable=False),
    Column("author_kind", Text, nullable=False),
    Column("author_id", Text),
    Column("author_name", Text),
    Column("is_public", Boolean, nullable=False),
    Column("machine", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("text_new", Text, nullable=False),
    Column("html", Text),
    Column("dedupe_key", Text),
    Column("disposition", Text),
    Column("sent_at", Instant),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "message_id"),
    UniqueConstraint("workspace_id", "channel", "dedupe_key", name="message_is_received_once"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["ticket.workspace_id", "ticket.ticket_id"]),
    Index("message_by_ticket", "workspace_id", "ticket_id", "created_at"),
)

FENCED = (customer, identity, ticket_number, ticket, message)
