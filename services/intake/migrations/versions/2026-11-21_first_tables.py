"""First tables: customers, identities, tickets, messages."""

from alembic import op

from shared.db.fences import fence
from shared.db.kernel import create_v1

revision = "2026_11_21_first_tables"
down_revision = None

_TABLES = """
CREATE TABLE customer (
    workspace_id text NOT NULL,
    customer_id uuid NOT NULL,
    name text,
    tier text NOT NULL,
    language text,
    time_zone text,
    organisation_id text,
    version integer NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (workspace_id, customer_id)
);
CREATE TABLE identity (
    workspace_id text NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    customer_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, kind, value),
    FOREIGN KEY (workspace_id, customer_id) REFERENCES customer (workspace_id, customer_id)
);
CREATE INDEX identity_by_customer ON identity (workspace_id, customer_id);
CREATE TABLE ticket_number (
    workspace_id text PRIMARY KEY,
    last bigint NOT NULL
);
CREATE TABLE ticket (
    workspace_id text NOT NULL,
    ticket_id uuid NOT NULL,
    number bigint NOT NULL,
    status text NOT NULL,
    priority text NOT NULL,
    labels jsonb NOT NULL,
    subject text NOT NULL,
    channel text NOT NULL,
    channel_kind text NOT NULL,
    customer_id uuid NOT NULL,
    language text,
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    follow_up_of uuid,
    merged_into uuid,
    first_replied_at timestamptz,
    solved_at timestamptz,
    closed_at timestamptz,
    assignee_id text,
    queue text,
    support_tier smallint,
    sequence bigint NOT NULL,
    last_event_at timestamptz NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (workspace_id, ticket_id),
    CONSTRAINT ticket_number_is_unique UNIQUE (workspace_id, number),
    FOREIGN KEY (workspace_id, customer_id) REFERENCES customer (workspace_id, customer_id)
);
CREATE INDEX ticket_by_customer ON ticket (workspace_id, customer_id);
CREATE TABLE message (
    workspace_id text NOT NULL,
    message_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    channel_kind text NOT NULL,
    author_kind text NOT NULL,
    author_id text,
    author_name text,
    is_public boolean NOT NULL,
    machine text NOT NULL,
    text text NOT NULL,
    text_new text NOT NULL,
    html text,
    dedupe_key text,
    disposition text,
    sent_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, message_id),
    CONSTRAINT message_is_received_once UNIQUE (workspace_id, channel, dedupe_key),
    FOREIGN KEY (workspace_id, ticket_id) REFERENCES ticket (workspace_id, ticket_id)
);
CREATE INDEX message_by_ticket ON message (workspace_id, ticket_id, created_at)
"""
_FENCED = ("customer", "identity", "ticket_number", "ticket", "message")


def upgrade() -> None:
    for statement in create_v1():
        op.execute(statement)
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table in _FENCED:
        for statement in fence(table):
            op.execute(statement)
