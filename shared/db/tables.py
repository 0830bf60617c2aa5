"""The tables that every service's database has. Each service's own stand in its `adapters/tables.py`.

A table with `workspace_id` is fenced by row-level security on the unit of work's workspaces; a *claim*
table, which the holder of a shard has to scan, also opens to the shards that the unit of work names
(`shared/db/fences.py`).
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

Instant = DateTime(timezone=True)

shard = Table(
    "shard",
    metadata,
    Column("n", SmallInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
)
"""Who may write for a shard: the one who knows its epoch. Apart from the lease, so that renewing never waits."""

shard_lease = Table(
    "shard_lease",
    metadata,
    Column("n", SmallInteger, primary_key=True, autoincrement=False),
    Column("holder", Text),
    Column("owner_url", Text),
    Column("expires_at", Instant, nullable=False),
)

member = Table(
    "member",
    metadata,
    Column("holder", Text, primary_key=True),
    Column("expires_at", Instant, nullable=False),
)

position = Table(
    "position",
    metadata,
    Column("topic", Text, nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("topic", "partition"),
)

workspace = Table(
    "workspace",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Index("workspace_by_shard", "shard"),
)
"""The workspaces that this service has seen. A claim table."""

version = Table(
    "version",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace_id", "subject"),
)
"""The last sequence applied of every subject that this service reads."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("traceparent", Text),
    Column("value", LargeBinary, nullable=False),
    Index("outbox_by_shard", "shard", "id"),
)
"""What is not published yet. A claim table."""

parked = Table(
    "parked",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", BigInteger),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("request", Text),
    Column("parked_at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    Column("topic", Text, nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("record_offset", BigInteger, nullable=False),
    Column("record_key", LargeBinary),
    Column("record_value", LargeBinary),
    Column("traceparent", Text),
    Index("parked_by_subject", "workspace_id", "subject", "sequence"),
    Index("parked_by_request", "shard", postgresql_where=text("request IS NOT NULL")),
)
"""Records that could not be applied and, in order, what follows them of the same subject. A claim table.

request: what somebody wants done, `replay` or `discard`; the shard's holder does it, a discard once the record is
the first of its subject
"""

idempotency = Table(
    "idempotency",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger),
    Column("headers", JSONB),
    Column("body", LargeBinary),
    Column("created_at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    PrimaryKeyConstraint("workspace_id", "subject", "route", "key"),
    Index("idempotency_by_age", "created_at"),
)
"""Answers that were given once, for requests that come again."""

configuration = Table(
    "configuration",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("applied_at", Instant, nullable=False),
    Column("applied_by", Text, nullable=False),
)
"""This service's part of each workspace's configuration."""

revoked_token = Table(
    "revoked_token",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("jti", Text, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "jti"),
)
"""Tokens that are no longer good. A claim table: each process reads all of it."""

FENCED = (version, idempotency, configuration)
CLAIMED = (workspace, outbox, parked, revoked_token)
