"""Intake's tables of calls."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
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

from services.intake.adapters.tables import metadata
from shared.db.tables import Instant

call = Table(
    "call",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("call_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("provider_call_id", Text, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("ticket_id", Uuid),
    Column("has_opened", Boolean, nullable=False),
    Column("caller", Text),
    Column("name", Text),
    Column("called", Text),
    Column("phase", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("ended_at", Instant),
    Column("outcome", Text),
    Column("agent", Text),
    Column("transfers", Integer),
    Column("ivr_s", Float(53)),
    Column("queue_s", Float(53)),
    Column("ring_s", Float(53)),
    Column("talk_s", Float(53)),
    Column("hold_s", Float(53)),
    Column("wrap_s", Float(53)),
    Column("revision", Integer, nullable=False),
    Column("is_owed", Boolean, nullable=False, server_default=text("false")),
    Column("settles_at", Instant),
    Column("reopened_at", Instant),
    PrimaryKeyConstraint("workspace_id", "call_id"),
    UniqueConstraint("workspace_id", "channel", "provider_call_id", name="call_is_kept_once"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["ticket.workspace_id", "ticket.ticket_id"]),
    Index("call_by_ticket", "workspace_id", "ticket_id", "call_id"),
    Index("call_by_caller", "workspace_id", "caller"),
    Index(
        "call_owed",
        *("workspace_id", "ticket_id", "ended_at", "call_id"),
        postgresql_where=text("is_owed"),
    ),
    Index(
        "call_that_reopened",
        *("workspace_id", "ticket_id", "reopened_at"),
        postgresql_where=text("reopened_at IS NOT NULL"),
    ),
    Index("call_to_settle", "shard", "settles_at", postgresql_where=text("settles_at IS NOT NULL")),
)
"""Calls, as what was told about them makes them. A claim table: the shard's holder settles them.

ended_at, outcome and all after it: none before the call has ended and that was told
"""

call_event = Table(
    "call_event",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("provider_call_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("caller", Text),
    Column("name", Text),
    Column("called", Text),
    Column("agent", Text),
    Column("outcome", Text),
    Column("recording_url", Text),
    Column("transcript", Text),
    Column("received_at", Instant, nullable=False),
    Column("provider", Text),
    PrimaryKeyConstraint("workspace_id", "channel", "provider_call_id", "seq"),
)
"""What providers told about calls, each thing once."""
