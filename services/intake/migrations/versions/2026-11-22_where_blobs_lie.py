"""Bytes outside the database: where they lie, and which of them nothing names any more."""

from alembic import op

from shared.db.fences import fence

revision = "2026_11_22_where_blobs_lie"
down_revision = "2026_11_22_watched_mailboxes"

_TABLES = """
ALTER TABLE blob
    ALTER content DROP NOT NULL,
    ADD location uuid,
    ADD stored_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    ADD is_checked boolean DEFAULT false NOT NULL,
    ADD CONSTRAINT blob_is_somewhere CHECK (num_nonnulls(content, location) = 1);
CREATE INDEX blob_unchecked ON blob (workspace_id, stored_at) WHERE NOT is_checked;
CREATE INDEX raw_by_blob ON raw (workspace_id, sha256);
CREATE INDEX attachment_by_blob ON attachment (workspace_id, sha256);
CREATE TABLE blob_waste (
    workspace_id text NOT NULL,
    location uuid NOT NULL,
    sha256 bytea NOT NULL,
    since timestamptz DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (workspace_id, location)
);
CREATE TABLE blob_home (
    is_only boolean PRIMARY KEY CHECK (is_only),
    home uuid NOT NULL
);
CREATE VIEW blob_reference WITH (security_invoker = true) AS
    SELECT workspace_id, sha256 FROM raw WHERE state <> 'erased' AND (form IN ('mail', 'sendgrid', 'mailgun',
        'postmark') OR state IN ('received', 'quarantined', 'released'))
    UNION ALL SELECT workspace_id, sha256 FROM attachment
    UNION ALL SELECT workspace_id, sha256 FROM upload
"""
# One call of a provider may be about several people: once it is read, what came of it is kept, and it is not.
# Whatever else comes to name bytes is added to the view: what it does not show is removed.


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for statement in fence("blob_waste"):
        op.execute(statement)
