"""Customers, tickets, messages, addresses. Other tables stand in the folders that use them, on one metadata."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.db import tables as shared_tables
from shared.db.tables import Instant

metadata = MetaData()

idempotency = shared_tables.idempotency.to_metadata(metadata)
"""As every service has it; here answers that tell of people are looked through when one is erased."""
Index(
    "idempotency_of_the_staff",
    idempotency.c.workspace_id,
    postgresql_where=text("route NOT IN ('POST /v1/messages', 'POST /v1/messages/batch')"),
)

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
    Column("do_not_contact", Boolean, nullable=False, server_default=text("false")),
    Column("merged_into", Uuid),
    Column("erased_at", Instant),
    Column("version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    PrimaryKeyConstraint("workspace_id", "customer_id"),
    Index("customer_merged", "workspace_id", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
)

customer_history = Table(
    "customer_history",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("at", Instant, nullable=False),
    Column("action", Text, nullable=False),
    Column("other_id", Uuid),
    Column("actor", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "customer_id", "at", "action"),
)
"""Who merged or erased a customer, and when. other_id: whom they were merged with."""

identity = Table(
    "identity",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("undeliverable_since", Instant),
    Column("undeliverable_reason", Text),
    Column("do_not_mail_since", Instant),
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
    Column("sources", JSONB, nullable=False),
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
    Column("close_due_at", Instant),
    Column("closed_at", Instant),
    Column("assignee_id", Text),
    Column("queue", Text),
    Column("support_tier", SmallInteger),
    Column("routed_at", Instant),
    Column("sequence", BigInteger, nullable=False),
    Column("last_event_at", Instant, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    PrimaryKeyConstraint("workspace_id", "ticket_id"),
    UniqueConstraint("workspace_id", "number", name="ticket_number_is_unique"),
    ForeignKeyConstraint(["workspace_id", "customer_id"], ["customer.workspace_id", "customer.customer_id"]),
    Index("ticket_by_customer", "workspace_id", "customer_id", "number"),
    Index("ticket_by_status", "workspace_id", "status", "number"),
    Index("ticket_by_queue", "workspace_id", "queue", "number", postgresql_where=text("queue IS NOT NULL")),
    Index(
        "ticket_by_assignee",
        *("workspace_id", "assignee_id", "number"),
        postgresql_where=text("assignee_id IS NOT NULL"),
    ),
    Index(
        "ticket_by_followed",
        *("workspace_id", "follow_up_of"),
        postgresql_where=text("follow_up_of IS NOT NULL"),
    ),
    Index("ticket_by_target", "workspace_id", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
    Index("ticket_to_close", "shard", "close_due_at", postgresql_where=text("close_due_at IS NOT NULL")),
)
"""Tickets. A claim table: the shard's holder closes what was solved long enough ago."""

message = Table(
    "message",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("channel_kind", Text, nullable=False),
    Column("author_kind", Text, nullable=False),
    Column("author_id", Text),
    Column("author_name", Text),
    Column("author_identity", Text),
    Column("author_is_verified", Boolean),
    Column("customer_id", Uuid),
    Column("is_public", Boolean, nullable=False),
    Column("machine", Text, nullable=False),
    Column("purpose", Text),
    Column("subject", Text),
    Column("text", Text, nullable=False),
    Column("text_new", Text, nullable=False),
    Column("html", Text),
    Column("is_damaged", Boolean, nullable=False, server_default=text("false")),
    Column("dedupe_key", Text),
    Column("disposition", Text),
    Column("provider_message_id", Text),
    Column("reply_to", Text),
    Column("thread_key", Text),
    Column("delivered_to", JSONB),
    Column("sent_at", Instant),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "message_id"),
    UniqueConstraint("workspace_id", "channel", "dedupe_key", name="message_is_received_once"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["ticket.workspace_id", "ticket.ticket_id"]),
    Index("message_by_ticket", "workspace_id", "ticket_id", "created_at", "entry"),
    Index("message_by_customer", "workspace_id", "customer_id"),
    Index(
        "message_that_reopened",
        *("workspace_id", "customer_id", "created_at"),
        postgresql_where=text("disposition = 'reopened'"),
    ),
    Index(
        "message_that_opened",
        *("workspace_id", "created_at", "message_id"),
        postgresql_where=text("disposition = 'opened'"),
    ),
)
"""What customers wrote (`inbound`), what they were sent (`outbound`), and notes of the staff.

is_damaged: whether its text may not be what was written
author_identity: of what kind a customer's `author_id` is; author_is_verified: whether its provider vouched for it
entry: its place in the ticket's timeline, in which messages and `ticket_event` are numbered together
"""

refusal = Table(
    "refusal",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("disposition", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "channel", "key_hash"),
    Index("refusal_dropped", "message_id", postgresql_where=text("disposition = 'dropped'")),
)
"""Messages that a rule refused, by a hash of their dedupe key: a repeat is known before a person lets it in.

message_id: of what is in quarantine, or of nothing that is kept
"""

ticket_event = Table(
    "ticket_event",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("service", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("data", JSONB, nullable=False),
    PrimaryKeyConstraint("workspace_id", "ticket_id", "event_id"),
    Index("ticket_event_by_time", "workspace_id", "ticket_id", "at", "entry"),
)
"""What every service told about a ticket, but for what messages show themselves."""

ticket_words = Table(
    "ticket_words",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("source_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("words", ARRAY(Text), nullable=False),
    PrimaryKeyConstraint("workspace_id", "source_id"),
    Index("ticket_words_search", "words", postgresql_using="gin"),
)
"""The words of messages, and of tickets' subjects that were changed, as `{workspace}/{word}` (domain/search.py).

A search sets `app.search`, and a policy of this table shows only the rows that hold all of its words: the
index serves no condition of the statement, as those are only looked at behind the fence.
"""

address = Table(
    "address",
    metadata,
    Column("address", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Index("address_by_workspace", "workspace_id"),
)
"""Where mail, hooks and chats come in: each names one channel of one workspace. Readable without a workspace."""

thread = Table(
    "thread",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("thread_key", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    PrimaryKeyConstraint("workspace_id", "channel", "thread_key"),
    Index("thread_by_ticket", "workspace_id", "ticket_id"),
)
"""By what providers know conversations, exactly, and the ticket that each was last about."""

participant = Table(
    "participant",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    PrimaryKeyConstraint("workspace_id", "address", "ticket_id"),
    Index("participant_by_ticket", "workspace_id", "ticket_id"),
)
"""Who takes part in a ticket beside its customer: whom its public mails reached, in lower case. Personal data."""
