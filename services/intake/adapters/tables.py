"""Intake's own tables."""

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

from shared.db.tables import Instant

metadata = MetaData()

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

author_identity: of what kind a customer's `author_id` is; author_is_verified: whether its provider vouched for it
entry: its place in the ticket's timeline, in which messages and `ticket_event` are numbered together
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

blob = Table(
    "blob",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("content", LargeBinary),
    Column("location", Uuid),
    Column("stored_at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    Column("is_checked", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("workspace_id", "sha256"),
    Index("blob_unchecked", "workspace_id", "stored_at", postgresql_where=text("NOT is_checked")),
)
"""Bytes by what they are: raw mails and attachments.

content: the bytes, where they are kept in their row; location: where they lie otherwise (`adapters/blobs/`)
is_checked: whether a row that names them was seen after they were stored
"""

blob_waste = Table(
    "blob_waste",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("location", Uuid, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("since", Instant, nullable=False, server_default=text("clock_timestamp()")),
    PrimaryKeyConstraint("workspace_id", "location"),
)
"""Where bytes lie that are forgotten, and are to be removed from there."""

blob_home = Table(
    "blob_home",
    metadata,
    Column("is_only", Boolean, primary_key=True),
    Column("home", Uuid, nullable=False),
)
"""What this installation has written on the folder or bucket that is its own. One row."""

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
    Column("people", JSONB, nullable=False, server_default=text("'[]'")),
    PrimaryKeyConstraint("workspace_id", "raw_id"),
    Index("raw_received", "shard", "raw_id", postgresql_where=text("state = 'received'")),
    Index("raw_quarantined", "workspace_id", "raw_id", postgresql_where=text("state = 'quarantined'")),
    Index("raw_by_blob", "workspace_id", "sha256"),
)
"""What came as it came, stored before it is read: received, parsed, quarantined, released or duplicate.

A claim table. raw_id: also the id of the message that it becomes; form: `mail`, or who posted it
people: by what those are known, in lower case, whom its bytes are about, as far as reading it has told
"""

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
)
"""Who takes part in a ticket beside its customer: whom its public mails reached, in lower case. Personal data."""

media_fetch = Table(
    "media_fetch",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("attachment_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("filename", Text),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", Instant, nullable=False),
    Column("last_error", Text),
    Column("provider", Text),
    PrimaryKeyConstraint("workspace_id", "attachment_id"),
    ForeignKeyConstraint(["workspace_id", "message_id"], ["message.workspace_id", "message.message_id"]),
    Index("media_fetch_by_message", "workspace_id", "message_id"),
    Index("media_fetch_due", "shard", "next_attempt_at", postgresql_where=text("state = 'waiting'")),
)
"""Files of messages that are still with their providers: waiting, fetched or failed. A claim table.

attachment_id: of the attachment that it becomes
"""

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

FENCED = (
    customer,
    customer_history,
    identity,
    ticket_number,
    message,
    ticket_event,
    ticket_words,
    blob,
    blob_waste,
    mail_reference,
    attachment,
    thread,
    participant,
    used_token,
    delivery_receipt,
    opt_out,
)
CLAIMED = (ticket, delivery, raw, media_fetch, mailbox)
