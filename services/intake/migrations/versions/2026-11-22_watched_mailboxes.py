"""Mailboxes elsewhere, and how far each has been read."""

from alembic import op

from shared.db.fences import claim

revision = "2026_11_22_watched_mailboxes"
down_revision = "2026_11_22_voice_calls"

_TABLES = """
CREATE TABLE mailbox (
    workspace_id text NOT NULL,
    channel text NOT NULL,
    mailbox_id text NOT NULL,
    shard smallint NOT NULL,
    fingerprint bytea NOT NULL,
    configured_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    source text NOT NULL,
    uid_validity bigint,
    last_uid bigint DEFAULT 0 NOT NULL,
    settled_uid bigint DEFAULT 0 NOT NULL,
    skipped jsonb DEFAULT '[]' NOT NULL,
    waiting integer DEFAULT 0 NOT NULL,
    state text DEFAULT 'starting' NOT NULL,
    last_error text,
    last_synced_at timestamptz,
    failures integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    refresh_token text,
    PRIMARY KEY (workspace_id, channel, mailbox_id)
);
CREATE INDEX mailbox_by_shard ON mailbox (shard)
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for statement in claim("mailbox"):
        op.execute(statement)
