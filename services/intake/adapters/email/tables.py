"""The tables of mail, of what came as it came, and of mailboxes elsewhere."""

from sqlalchemy import (
    BigInteger,
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
from sqlalchemy.dialects.postgresql import JSONB

from services.intake.adapters.tables import metadata
from shared.db.tables import Instant

raw = Table(
    "raw",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("raw_id", Uuid, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("sender", Text),
    Column("recipients", JSONB, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("traceparent", Text),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text),
    Column("disposition", Text),
    Column("message_id", Uuid),
    Column("ticket_id", Uuid),
    PrimaryKeyConstraint("workspace_id", "raw_id"),
    Index(
        *("raw_received", "shard", "workspace_id", "form", "raw_id"),
        postgresql_where=text("state = 'received'"),
    ),
    Index("raw_quarantined", "workspace_id", "raw_id", postgresql_where=text("state = 'quarantined'")),
    Index("raw_unread", "workspace_id", "raw_id", postgresql_where=text("state = 'received'")),
    Index("raw_by_blob", "workspace_id", "sha256"),
    Index("raw_by_ticket", "workspace_id", "ticket_id"),
    Index("raw_by_message", "workspace_id", "message_id"),
    Index(
        *("raw_idle", "received_at"),
        postgresql_where=text("state IN ('parsed', 'duplicate') AND message_id IS NULL AND ticket_id IS NULL"),
    ),
)
"""What came as it came, stored before it is read: received, parsed, quarantined, released or duplicate.

A claim table. raw_id: also the id of the message that it becomes; form: `mail`, or who posted it
"""

raw_person = Table(
    "raw_person",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("raw_id", Uuid, nullable=False),
    PrimaryKeyConstraint("workspace_id", "address", "raw_id"),
    Index("raw_person_by_raw", "workspace_id", "raw_id"),
)
"""By what those are known, in lower case, whom the bytes of a raw are about, as far as reading it has told."""

mail_reference = Table(
    "mail_reference",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    PrimaryKeyConstraint("workspace_id", "key"),
)
"""By what a later mail is recognised: hashes of Message-IDs in and out, and of whole mails against repeats."""

used_token = Table(
    "used_token",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("raw_id", Uuid, nullable=False),
    PrimaryKeyConstraint("workspace_id", "channel", "token"),
    Index("used_token_by_raw", "raw_id"),
)
"""Tokens that may be used once, as their signature covers nothing else, and what they were used with."""

attachment = Table(
    "attachment",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("attachment_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("filename", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("content_id", Text),
    Column("is_inline", Boolean, nullable=False),
    PrimaryKeyConstraint("workspace_id", "attachment_id"),
    ForeignKeyConstraint(["workspace_id", "message_id"], ["message.workspace_id", "message.message_id"]),
    Index("attachment_by_message", "workspace_id", "message_id", "attachment_id"),
    Index("attachment_by_blob", "workspace_id", "sha256"),
)

mailbox = Table(
    "mailbox",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("mailbox_id", Text, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("configured_at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    Column("source", Text, nullable=False),
    Column("uid_validity", BigInteger),
    Column("last_uid", BigInteger, nullable=False, server_default=text("0")),
    Column("settled_uid", BigInteger, nullable=False, server_default=text("0")),
    Column("skipped", JSONB, nullable=False, server_default=text("'[]'")),
    Column("waiting", Integer, nullable=False, server_default=text("0")),
    Column("state", Text, nullable=False, server_default=text("'starting'")),
    Column("last_error", Text),
    Column("last_synced_at", Instant),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    Column("refresh_token", Text),
    PrimaryKeyConstraint("workspace_id", "channel", "mailbox_id"),
    Index("mailbox_by_shard", "shard"),
)
"""Mailboxes elsewhere, and how far each has been read. A claim table: the shard's holder looks into them.

fingerprint: of its configuration, which is as it is since configured_at; source: what its numbers belong to
last_uid: up to here all is stored; settled_uid: up to here it is also marked, moved or deleted there
refresh_token: sealed, where the issuer has replaced the configured one
"""
