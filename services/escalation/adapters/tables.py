"""Escalation's own tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables import Instant

metadata = MetaData()

tracked_ticket = Table(
    "tracked_ticket",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("is_live", Boolean, nullable=False),
    Column("waiting_in", Text),
    Column("waiting_since", Instant),
    Column("state", JSONB, nullable=False),
    PrimaryKeyConstraint("workspace_id", "ticket_id"),
    Index("tracked_ticket_live", "workspace_id", "ticket_id", postgresql_where=text("is_live")),
    Index(
        "tracked_ticket_by_policy_version",
        "workspace_id",
        "policy_version",
        "ticket_id",
        postgresql_where=text("is_live"),
    ),
    Index(
        "tracked_ticket_waiting",
        "waiting_in",
        "workspace_id",
        "waiting_since",
        postgresql_where=text("waiting_in IS NOT NULL"),
    ),
)
"""A ticket as its events describe it: the root whose lock guards its clocks, escalations and timers.

is_live: whether it is unsolved, or one of its clocks has not ended; state: the domain's `Ticket`
waiting_in, waiting_since: the queue in which it waits for an agent
"""

tracked_event = Table(
    "tracked_event",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    PrimaryKeyConstraint("workspace_id", "ticket_id", "subject", "sequence"),
)
"""The events that clocks depend on, for tickets that have to be folded anew."""

sla_clock = Table(
    "sla_clock",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("clock_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("agreement", Text, nullable=False, server_default="sla"),
    Column("metric", Text, nullable=False),
    Column("origin", Uuid, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("is_newest", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("priority", Text, nullable=False),
    Column("customer_tier", Text, nullable=False, server_default=""),
    Column("calendar", Text),
    Column("started_at", Instant, nullable=False),
    Column("elapsed", Interval, nullable=False),
    Column("elapsed_wall", Interval, nullable=False),
    Column("running_since", Instant),
    Column("due_at", Instant),
    Column("breached_at", Instant),
    Column("ended_at", Instant),
    Column("history", JSONB, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("last_event_at", Instant),
    Column("breaches", JSONB, nullable=False),
    Column("withdrawn", JSONB, nullable=False, server_default="[]"),
    Column("breach_told_at", Instant),
    Column("is_provisional", Boolean, nullable=False),
    Column("is_escalated", Boolean, nullable=False),
    Column("warned", SmallInteger, nullable=False),
    Column("taken_back", SmallInteger),
    PrimaryKeyConstraint("workspace_id", "clock_id"),
    ForeignKeyConstraint(
        ["workspace_id", "ticket_id"], ["tracked_ticket.workspace_id", "tracked_ticket.ticket_id"]
    ),
    Index("sla_clock_by_ticket", "workspace_id", "ticket_id"),
    Index("sla_clock_live", "workspace_id", "clock_id", postgresql_where=text("ended_at IS NULL")),
)
"""SLA clocks and what was told of them.

is_newest: the last of its agreement and metric, which is all that the next event needs
policy, policy_version, priority, customer_tier, calendar: which promise it is measured against
"""

escalation = Table(
    "escalation",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("escalation_id", Uuid, nullable=False),
    Column("ticket_id", Uuid),
    Column("watch", Text),
    Column("queue", Text),
    Column("kpi", Text),
    Column("clock_id", Uuid),
    Column("metric", Text),
    Column("generation", Integer),
    Column("trigger", Text, nullable=False),
    Column("trigger_id", Text),
    Column("policy", Text, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("reason", Text),
    Column("raised_by", Text),
    Column("state", Text, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("rounds", SmallInteger, nullable=False),
    Column("next_at", Instant),
    Column("wait_left", Interval),
    Column("resumes_at", Instant),
    Column("on_call", JSONB, nullable=False),
    Column("hand_off_at", Instant),
    Column("started_at", Instant, nullable=False),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", Text),
    Column("snoozed_at", Instant),
    Column("snoozed_by", Text),
    Column("resolved_at", Instant),
    Column("resolved_by", Text),
    Column("resolved_cause", Text),
    Column("sequence", BigInteger, nullable=False),
    Column("last_event_at", Instant),
    PrimaryKeyConstraint("workspace_id", "escalation_id"),
    ForeignKeyConstraint(
        ["workspace_id", "ticket_id"], ["tracked_ticket.workspace_id", "tracked_ticket.ticket_id"]
    ),
    Index(
        "escalation_live_of_clock",
        "clock_id",
        "generation",
        "workspace_id",
        unique=True,
        postgresql_where=text("state <> 'resolved' AND clock_id IS NOT NULL"),
    ),
    Index(
        "escalation_live_of_trigger",
        "ticket_id",
        "watch",
        "trigger",
        "trigger_id",
        "workspace_id",
        unique=True,
        postgresql_where=text("state <> 'resolved' AND clock_id IS NULL"),
        postgresql_nulls_not_distinct=True,
    ),
    Index(
        "escalation_live_of_watch",
        "watch",
        "workspace_id",
        postgresql_where=text("state <> 'resolved' AND watch IS NOT NULL"),
    ),
    Index(
        "escalation_listed",
        "state",
        "workspace_id",
        "escalation_id",
        # Not as the others: who looks for what is live of a ticket or a policy must not read this one.
        postgresql_where=text("state IN ('raised', 'acknowledged')"),
    ),
    Index(
        "escalation_on_call",
        "workspace_id",
        postgresql_where=text("state <> 'resolved' AND hand_off_at IS NOT NULL"),
    ),
    Index("escalation_by_ticket", "ticket_id", "workspace_id", "escalation_id"),
    Index("escalation_by_policy", "policy", "workspace_id", "started_at"),
)
"""Escalations; their steps are those of the version of the policy that they began with."""

watch = Table(
    "watch",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("queue", Text),
    Column("kpi", Text),
    Column("is_alerted", Boolean, nullable=False),
    Column("shown", JSONB, nullable=False),
    Column("look_at", Instant),
    PrimaryKeyConstraint("workspace_id", "subject"),
    Index("watch_by_look", "shard", "look_at", postgresql_where=text("look_at IS NOT NULL")),
)
"""Queues and KPIs that are looked at: the root whose lock guards the escalations about them. A claim table.

look_at: when it has to be looked at, because something happened or because time has passed
"""

timer = Table(
    "timer",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("due_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "ticket_id", "owner_id", "generation", "kind", "level"),
    Index("timer_by_due", "shard", "due_at"),
)
"""When somebody has to look at a ticket. Derived from clocks and escalations. A claim table."""

policy_version = Table(
    "policy_version",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("since", Instant, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("fed", JSONB, nullable=False, server_default="{}"),
    PrimaryKeyConstraint("workspace_id", "version"),
    Index("policy_version_by_shard", "shard", "workspace_id", "version"),
)
"""Every version of the service levels: clocks name theirs, and a ticket folded anew needs all. A claim table.

body: the configuration; fed: what the feeds of its calendars close, by calendar
"""

calendar_feed = Table(
    "calendar_feed",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("text", Text),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("fetched_at", Instant),
    Column("tried_at", Instant),
    Column("failing_since", Instant),
    Column("problem", Text),
    PrimaryKeyConstraint("workspace_id", "url"),
    Index("calendar_feed_by_next", "shard", "next_at"),
)
"""Feeds of calendars that are followed, and their last good copies. A claim table."""


on_call_override = Table(
    "on_call_override",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("override_id", Uuid, nullable=False),
    Column("rotation", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("start_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),
    Column("reason", Text),
    Column("swap_id", Uuid),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", Text),
    PrimaryKeyConstraint("workspace_id", "override_id"),
    Index("on_call_override_by_end", "workspace_id", "end_at"),
)
"""Who is on call in place of whoever's turn it is. Never deleted: they say who was on call.

ended_at: it was ended then, before its end; before its start: it never was
"""

on_call_feed = Table(
    "on_call_feed",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("feed_id", Uuid, nullable=False),
    Column("rotation", Text, nullable=False),
    Column("agent", Text),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_at", Instant),
    PrimaryKeyConstraint("workspace_id", "feed_id"),
)
"""Calendars that people subscribe to by a link. agent: of whose shifts alone"""

team_turn = Table(
    "team_turn",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("last_agent", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "team"),
)
"""Who had the last turn in teams that are told one after the other. last_agent: empty before the first"""
