"""The tables of notices, surveys and uploaded files."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.intake.adapters.tables import metadata
from shared.db.tables import Instant

notice = Table(
    "notice",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", Instant),
    Column("due_at", Instant, nullable=False),
    Column("times", Integer, nullable=False, server_default=text("0")),
    Column("why", Text),
    Column("is_verified", Boolean, nullable=False),
    Column("decided_at", Instant),
    PrimaryKeyConstraint("workspace_id", "ticket_id", "reason"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["ticket.workspace_id", "ticket.ticket_id"]),
    Index("notice_due", "shard", "due_at", postgresql_where=text("state = 'due'")),
)
"""What a customer is told without anybody writing it, a row a ticket and reason: due, sent or withheld.

A claim table: the shard's holder sends what is due (`adapters/answering/notifying.py`).
"""

recipient_turn = Table(
    "recipient_turn",
    metadata,
    Column("recipient", LargeBinary, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("sent_at", ARRAY(Instant), nullable=False),
    Column("latest_at", Instant, nullable=False),
    PrimaryKeyConstraint("recipient", "purpose"),
    Index("recipient_turn_by_age", "latest_at"),
)
"""When somebody was last sent notices, over all workspaces: a keyed hash of the address and nothing else."""

survey = Table(
    "survey",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scale", SmallInteger, nullable=False),
    Column("agent_id", Text),
    Column("language", Text, nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("score", SmallInteger),
    Column("comment", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("rated_at", Instant),
    PrimaryKeyConstraint("workspace_id", "ticket_id"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["ticket.workspace_id", "ticket.ticket_id"]),
)
"""What a customer was asked about a ticket, and the last answer. The comment stays here."""

upload = Table(
    "upload",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("attachment_id", Uuid, nullable=False),
    Column("filename", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("content_id", Text),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "attachment_id"),
    Index("upload_by_time", "workspace_id", "created_at"),
)
"""Files that wait for the reply that takes them along; forgotten after a day."""
