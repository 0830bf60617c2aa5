"""Live chats: conversations, and the order of their messages."""

from alembic import op

from shared.db.fences import claim, fence

revision = "2026_11_22_chat"
down_revision = "2026_11_22_channels"

_TABLES = """
CREATE TABLE chat_conversation (
    workspace_id text NOT NULL,
    conversation_id uuid NOT NULL,
    shard smallint NOT NULL,
    channel text NOT NULL,
    ticket_id uuid NOT NULL,
    identity_kind text NOT NULL,
    identity_value text NOT NULL,
    visitor_name text,
    visitor_email text,
    is_verified boolean NOT NULL,
    state text NOT NULL,
    last_seq bigint NOT NULL,
    last_at timestamptz NOT NULL,
    is_answered boolean NOT NULL,
    seen_at timestamptz NOT NULL,
    replied_at timestamptz,
    received_seq bigint DEFAULT 0 NOT NULL,
    read_seq bigint DEFAULT 0 NOT NULL,
    staff_read_seq bigint DEFAULT 0 NOT NULL,
    wants_transcript boolean DEFAULT false NOT NULL,
    page text,
    mail_channel text,
    mailed_at timestamptz,
    due_at timestamptz,
    PRIMARY KEY (workspace_id, conversation_id),
    FOREIGN KEY (workspace_id, ticket_id) REFERENCES ticket (workspace_id, ticket_id)
);
CREATE INDEX chat_conversation_by_ticket ON chat_conversation (workspace_id, ticket_id);
CREATE INDEX chat_conversation_due ON chat_conversation (shard, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX chat_conversation_mailed ON chat_conversation (workspace_id, visitor_email, mailed_at)
    WHERE mailed_at IS NOT NULL;
CREATE TABLE chat_entry (
    workspace_id text NOT NULL,
    conversation_id uuid NOT NULL,
    seq bigint NOT NULL,
    message_id uuid NOT NULL,
    client_message_id text,
    PRIMARY KEY (workspace_id, conversation_id, seq),
    CONSTRAINT chat_entry_is_one UNIQUE (workspace_id, message_id, conversation_id),
    FOREIGN KEY (workspace_id, conversation_id)
        REFERENCES chat_conversation (workspace_id, conversation_id),
    FOREIGN KEY (workspace_id, message_id) REFERENCES message (workspace_id, message_id)
)
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for statement in (*claim("chat_conversation"), *fence("chat_entry")):
        op.execute(statement)
