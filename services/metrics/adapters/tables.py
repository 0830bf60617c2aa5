"""Metrics' own tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from shared.db.tables import Instant

metadata = MetaData()

tracked_ticket = Table(
    "tracked_ticket",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("stories", Text, nullable=False),
    Column("opened_at", Instant),
    Column("status", Text),
    Column("waiting_since", Instant),
    Column("queue", Text),
    Column("channel", Text),
    Column("support_tier", SmallInteger),
    Column("agent_id", Text),
    PrimaryKeyConstraint("workspace_id", "ticket_id"),
    Index(
        "tracked_ticket_by_age",
        "workspace_id",
        "opened_at",
        "ticket_id",
        postgresql_where=text("status IS NOT NULL"),
    ),
    Index(
        "tracked_ticket_by_wait",
        "workspace_id",
        "waiting_since",
        "ticket_id",
        postgresql_where=text("waiting_since IS NOT NULL"),
    ),
)
"""What is remembered of each ticket (`stories`, JSON), and its part in the gauges; status only in the backlog."""

tracked_agent = Table(
    "tracked_agent",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("activity", Text, nullable=False),
    Column("since", Instant),
    Column("queues", Text, nullable=False),
    Column("support_tier", SmallInteger),
    Column("is_on_duty", Boolean, nullable=False, server_default=text("true")),
    Column("is_removed", Boolean, nullable=False),
    PrimaryKeyConstraint("workspace_id", "agent_id"),
)

fact = Table(
    "fact",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("aspect", Text, nullable=False),
    Column("queue", Text),
    Column("channel", Text),
    Column("support_tier", SmallInteger),
    Column("agent_id", Text),
    Column("value", BigInteger, nullable=False),
    Column("business_value", BigInteger),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "ticket_id", "event_id", "kind"),
    Index("fact_by_end", "workspace_id", "kind", "ended_at"),
)
"""One row a measurement."""

rollup = Table(
    "rollup",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("dimension", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("aspect", Text, nullable=False),
    Column("bucket", Instant, nullable=False),
    Column("facts", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("minimum", BigInteger, nullable=False),
    Column("maximum", BigInteger, nullable=False),
    Column("distribution", LargeBinary, nullable=False),
    PrimaryKeyConstraint("workspace_id", "dimension", "member", "kind", "aspect", "bucket"),
    Index("rollup_by_bucket", "workspace_id", "bucket"),
)
"""The facts of a scope in one base interval: exact counters, and all values or their sketch."""

kpi_feed = Table(
    "kpi_feed",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("kpi", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("last_event_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "kpi"),
)
"""The last `kpi.updated` of each KPI."""

FENCED = (tracked_ticket, tracked_agent, fact, rollup, kpi_feed)
