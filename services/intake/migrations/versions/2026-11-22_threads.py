"""Conversations as providers know them, who takes part, which addresses can be mailed, files yet to be fetched."""

from alembic import op

from shared.db.fences import claim, fence

revision = "2026_11_22_threads"
down_revision = "2026_11_22_outbound"

_TABLES = """
ALTER TABLE identity
    ADD COLUMN undeliverable_since timestamptz,
    ADD COLUMN undeliverable_reason text,
    ADD COLUMN do_not_mail_since timestamptz;
ALTER TABLE delivery ADD COLUMN recipient text;
CREATE TABLE thread (
    workspace_id text NOT NULL,
    channel text NOT NULL,
    thread_key text NOT NULL,
    ticket_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, channel, thread_key)
);
CREATE INDEX thread_by_ticket ON thread (workspace_id, ticket_id);
CREATE TABLE participant (
    workspace_id text NOT NULL,
    address text NOT NULL,
    ticket_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, address, ticket_id)
);
CREATE INDEX ticket_by_followed ON ticket (workspace_id, follow_up_of) WHERE follow_up_of IS NOT NULL;
CREATE TABLE media_fetch (
    workspace_id text NOT NULL,
    attachment_id uuid NOT NULL,
    message_id uuid NOT NULL,
    shard smallint NOT NULL,
    channel text NOT NULL,
    url text NOT NULL,
    media_type text NOT NULL,
    filename text,
    state text DEFAULT 'waiting' NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    last_error text,
    PRIMARY KEY (workspace_id, attachment_id),
    FOREIGN KEY (workspace_id, message_id) REFERENCES message (workspace_id, message_id)
);
CREATE INDEX media_fetch_by_message ON media_fetch (workspace_id, message_id);
CREATE INDEX media_fetch_due ON media_fetch (shard, next_attempt_at) WHERE state = 'waiting'
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for statement in (*fence("thread"), *fence("participant"), *claim("media_fetch")):
        op.execute(statement)
