"""What staff is told goes in messages, many notifications in one; each attempt is kept."""

from alembic import op

from shared.db.fences import claim, fence

revision = "2026_11_23_who_is_told_how"
down_revision = "2026_11_23_who_is_on_call"

_TABLES = """
CREATE TABLE message (
    workspace_id text NOT NULL,
    message_id uuid NOT NULL,
    shard smallint NOT NULL,
    way text NOT NULL,
    address text NOT NULL,
    state text NOT NULL,
    attempts smallint NOT NULL,
    next_attempt_at timestamptz,
    detail text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (workspace_id, message_id)
);
CREATE INDEX message_by_attempt ON message (shard, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX message_by_addressee ON message (workspace_id, way, address, created_at);
CREATE TABLE attempt (
    workspace_id text NOT NULL,
    message_id uuid NOT NULL,
    number smallint NOT NULL,
    begun_at timestamptz NOT NULL,
    answer text NOT NULL,
    code smallint,
    detail text,
    took interval,
    PRIMARY KEY (workspace_id, message_id, number),
    FOREIGN KEY (workspace_id, message_id) REFERENCES message (workspace_id, message_id) ON DELETE CASCADE
);
ALTER TABLE notification ALTER ticket_id DROP NOT NULL;
ALTER TABLE notification RENAME next_attempt_at TO send_at;
ALTER TABLE notification ADD urgency text NOT NULL DEFAULT 'high', ADD otherwise jsonb NOT NULL DEFAULT '[]',
    ADD instead_of uuid, ADD held_until timestamptz, ADD message_id uuid;
ALTER TABLE notification NO FORCE ROW LEVEL SECURITY;
INSERT INTO message
    SELECT workspace_id, notification_id, shard, way, address, state, attempts, send_at, detail, created_at,
        finished_at
    FROM notification WHERE attempts > 0;
UPDATE notification SET message_id = notification_id, send_at = NULL WHERE attempts > 0;
ALTER TABLE notification FORCE ROW LEVEL SECURITY;
ALTER TABLE notification DROP attempts;
ALTER INDEX notification_by_attempt RENAME TO notification_to_send;
CREATE INDEX notification_by_message ON notification (workspace_id, message_id, notification_id)
    WHERE message_id IS NOT NULL;
CREATE INDEX notification_by_escalation ON notification (workspace_id, escalation_id, notification_id);
CREATE INDEX notification_by_ticket ON notification (workspace_id, ticket_id, notification_id);
CREATE INDEX notification_by_name ON notification (workspace_id, name, notification_id);
CREATE UNIQUE INDEX notification_once_instead ON notification (workspace_id, instead_of)
    WHERE instead_of IS NOT NULL
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for statement in (*claim("message"), *fence("attempt")):
        op.execute(statement)
