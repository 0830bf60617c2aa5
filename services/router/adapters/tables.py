"""The router's own tables. The engine's memory is made anew from them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables import Instant

metadata = MetaData()


class JsonText(TypeDecorator[str]):
    """JSON that we write, and read with a cast, as text: whoever knows what it means makes it and parses it."""

    impl = JSONB
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """Text goes to the driver as it is."""


WITH_WORDS = "kind IN ('DeclineOffer', 'EndOrder', 'Release', 'Transfer')"
"""Inputs with words that people typed, as they are indexed; ABOUT: the ticket or the offer that they are about."""
ABOUT = "COALESCE(payload ->> 'ticket_id', payload ->> 'offer_id')"

LIVE_STATES = "state IN ('queued', 'offered', 'assigned', 'wrapping')"

agent = Table(
    "agent",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("is_removed", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("state_since", Instant, nullable=False),
    Column("idle_since", Instant, nullable=False),
    Column("activity", Text, nullable=False),
    Column("used", Integer, nullable=False),
    Column("items", JsonText(), nullable=False),
    Column("last_assigned", JsonText(), nullable=False),
    Column("is_connected", Boolean, nullable=False, server_default=text("false")),
    Column("disconnected_at", Instant),
    Column("lost_from", Text),
    Column("missed", Integer, nullable=False, server_default=text("0")),
    Column("off_duty", Text),
    Column("availability", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("last_event_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "agent_id"),
)

ticket = Table(
    "ticket",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("facts", JsonText()),
    Column("status", Text, nullable=False),
    Column("last_agent_id", Text),
    Column("work_id", Uuid),
    Column("early", JsonText(), nullable=False),
    Column("clocks", JsonText(), nullable=False, server_default=text("'[]'")),
    Column("ended_call", Uuid),
    PrimaryKeyConstraint("workspace_id", "ticket_id"),
)

work_item = Table(
    "work_item",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("work_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("channel_kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("support_tier", SmallInteger, nullable=False),
    Column("base", JsonText(), nullable=False),
    Column("steps", JsonText(), nullable=False),
    Column("step", SmallInteger, nullable=False),
    Column("is_moved", Boolean, nullable=False),
    Column("rule", Text, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("priority", Text, nullable=False),
    Column("raised_by", SmallInteger, nullable=False),
    Column("is_expedited", Boolean, nullable=False, server_default=text("false")),
    Column("departures", JsonText(), nullable=False, server_default=text("'[]'")),
    Column("queued_at", Instant, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("stint_at", Instant, nullable=False),
    Column("preferred_agent_id", Text),
    Column("held_until", Instant),
    Column("ignores_capacity", Boolean, nullable=False, server_default=text("false")),
    Column("refused_by", JsonText(), nullable=False),
    Column("agent_id", Text),
    Column("assigned_at", Instant),
    Column("accepted_offer_id", Uuid),
    Column("wrapping_at", Instant),
    Column("wrap_until", Instant),
    Column("return_at", Instant),
    Column("done_by", Instant),
    Column("bears_load", Boolean, nullable=False),
    Column("over_capacity", Boolean, nullable=False, server_default=text("false")),
    Column("ended_at", Instant),
    Column("sequence", BigInteger, nullable=False),
    Column("last_event_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "work_id"),
    Index("work_item_is_alone", "workspace_id", "ticket_id", unique=True, postgresql_where=text(LIVE_STATES)),
    Index("work_item_by_agent", "workspace_id", "agent_id", postgresql_where=text(LIVE_STATES)),
    Index(
        "work_item_by_queue",
        "workspace_id",
        "queue",
        "state",
        "stint_at",
        postgresql_where=text(LIVE_STATES),
    ),
    Index("work_item_by_ticket", "workspace_id", "ticket_id", "queued_at"),
    Index("work_item_by_end", "workspace_id", "ended_at", postgresql_where=text("state = 'completed'")),
)

offer = Table(
    "offer",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("offer_id", Uuid, nullable=False),
    Column("work_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("offered_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("reason", Text),
    PrimaryKeyConstraint("workspace_id", "offer_id"),
    Index("offer_by_agent", "workspace_id", "agent_id", postgresql_where=text("state = 'pending'")),
    Index("offer_by_ticket", "workspace_id", "ticket_id"),
)

decision = Table(
    "decision",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("work_id", Uuid),
    Column("decided_at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record", JsonText(), nullable=False),
    PrimaryKeyConstraint("workspace_id", "ticket_id", "id"),
    Index("decision_in_order", "workspace_id", "id"),
)
"""What the engine decided about work, and why."""

input_log = Table(
    "input_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("seed", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", JsonText(), nullable=False),
    Column("brought", JsonText()),
    Column("decisions", Integer),
    PrimaryKeyConstraint("workspace_id", "id"),
    Index(
        "input_log_with_words",
        "workspace_id",
        text(ABOUT),
        postgresql_where=text(WITH_WORDS),
    ),
)
"""Everything the engine was given, with the time and the seed: run again, it decides the same.

brought: the input's ticket as its row was, where memory did not have it; decisions: how many about work followed
"""

reconsidering = Table(
    "reconsidering",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("until", Uuid),
    Column("after", Uuid),
    Column("due_at", Instant),
    Column("is_over", Boolean, nullable=False),
    PrimaryKeyConstraint("workspace_id"),
)
"""How far a policy that has changed has been asked about what was there before it."""

work_order_message = Table(
    "work_order_message",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("offer_id", Uuid, nullable=False),
    Column("event", Text, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("queue", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant),
    Column("give_up_at", Instant, nullable=False),
    Column("detail", Text),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("url", Text),
    Column("secret", Text),
    PrimaryKeyConstraint("workspace_id", "offer_id", "event"),
    Index(
        "work_order_message_by_attempt",
        "shard",
        "next_attempt_at",
        postgresql_where=text("next_attempt_at IS NOT NULL"),
    ),
    Index("work_order_message_by_end", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
)
"""What partners are told of their work orders, and what became of it. A claim table.

url, secret: of the partner to whom the order was offered
"""

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("input_id", BigInteger, nullable=False),
    Column("decision_id", BigInteger, nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("rows", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "input_id"),
)
"""The whole routing state after an input and a decision; after input 0 it is empty."""

checkpoint_part = Table(
    "checkpoint_part",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("input_id", BigInteger, nullable=False),
    Column("part", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("workspace_id", "input_id", "part"),
)
"""Part 0 is the configuration, the others are rows: compressed lines of JSON behind the name of their table."""

FENCED = (agent, ticket, work_item, offer, decision, input_log, checkpoint, checkpoint_part)
