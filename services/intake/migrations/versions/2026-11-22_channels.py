"""Every channel: intake rules, one person behind several identities, notices, surveys, files of replies."""

from alembic import op

from shared.db.fences import claim, fence

revision = "2026_11_22_channels"
down_revision = "2026_11_21_first_tables"

_RULES = """
CREATE INDEX message_that_opened ON message (workspace_id, created_at, message_id)
    WHERE disposition = 'opened';
ALTER TABLE message ADD COLUMN author_identity text, ADD COLUMN author_is_verified boolean
"""
_CUSTOMERS = """
ALTER TABLE customer ADD COLUMN do_not_contact boolean DEFAULT false NOT NULL,
    ADD COLUMN merged_into uuid, ADD COLUMN erased_at timestamptz;
CREATE TABLE customer_history (
    workspace_id text NOT NULL,
    customer_id uuid NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL,
    other_id uuid,
    actor text NOT NULL,
    PRIMARY KEY (workspace_id, customer_id, at, action)
)
"""
_ANSWERING = """
CREATE TABLE notice (
    workspace_id text NOT NULL,
    ticket_id uuid NOT NULL,
    reason text NOT NULL,
    shard smallint NOT NULL,
    state text NOT NULL,
    due_at timestamptz NOT NULL,
    times integer DEFAULT 0 NOT NULL,
    why text,
    is_verified boolean NOT NULL,
    decided_at timestamptz,
    PRIMARY KEY (workspace_id, ticket_id, reason),
    FOREIGN KEY (workspace_id, ticket_id) REFERENCES ticket (workspace_id, ticket_id)
);
CREATE INDEX notice_due ON notice (shard, due_at) WHERE state = 'due';
CREATE TABLE recipient_turn (
    recipient bytea NOT NULL,
    purpose text NOT NULL,
    sent_at timestamptz[] NOT NULL,
    latest_at timestamptz NOT NULL,
    PRIMARY KEY (recipient, purpose)
);
CREATE TABLE survey (
    workspace_id text NOT NULL,
    ticket_id uuid NOT NULL,
    kind text NOT NULL,
    scale smallint NOT NULL,
    agent_id text,
    language text NOT NULL,
    sent_at timestamptz NOT NULL,
    score smallint,
    comment text NOT NULL,
    revision integer NOT NULL,
    rated_at timestamptz,
    PRIMARY KEY (workspace_id, ticket_id),
    FOREIGN KEY (workspace_id, ticket_id) REFERENCES ticket (workspace_id, ticket_id)
);
CREATE TABLE upload (
    workspace_id text NOT NULL,
    attachment_id uuid NOT NULL,
    filename text NOT NULL,
    media_type text NOT NULL,
    bytes integer NOT NULL,
    sha256 bytea NOT NULL,
    content_id text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, attachment_id)
);
CREATE INDEX upload_by_time ON upload (workspace_id, created_at)
"""
_FENCED = ("customer_history", "survey", "upload")
_CLAIMED = ("notice",)


def upgrade() -> None:
    for part in (_RULES, _CUSTOMERS, _ANSWERING):
        for statement in part.split(";"):
            op.execute(statement)
    for table in _FENCED:
        for statement in fence(table):
            op.execute(statement)
    for table in _CLAIMED:
        for statement in claim(table):
            op.execute(statement)
