"""Calls, and what providers told about them."""

from alembic import op

from shared.db.fences import claim, fence

revision = "2026_11_22_voice_calls"
down_revision = "2026_11_22_threads"

_TABLES = """
CREATE TABLE call (
    workspace_id text NOT NULL,
    call_id uuid NOT NULL,
    channel text NOT NULL,
    provider_call_id text NOT NULL,
    shard smallint NOT NULL,
    ticket_id uuid,
    has_opened boolean NOT NULL,
    caller text,
    name text,
    called text,
    phase text NOT NULL,
    started_at timestamptz NOT NULL,
    answered_at timestamptz,
    ended_at timestamptz,
    outcome text,
    agent text,
    transfers integer,
    ivr_s double precision,
    queue_s double precision,
    ring_s double precision,
    talk_s double precision,
    hold_s double precision,
    wrap_s double precision,
    revision integer NOT NULL,
    settles_at timestamptz,
    reopened_at timestamptz,
    PRIMARY KEY (workspace_id, call_id),
    CONSTRAINT call_is_kept_once UNIQUE (workspace_id, channel, provider_call_id),
    FOREIGN KEY (workspace_id, ticket_id) REFERENCES ticket (workspace_id, ticket_id)
);
CREATE INDEX call_by_ticket ON call (workspace_id, ticket_id, call_id);
CREATE INDEX call_that_reopened ON call (workspace_id, ticket_id, reopened_at) WHERE reopened_at IS NOT NULL;
CREATE INDEX call_to_settle ON call (shard, settles_at) WHERE settles_at IS NOT NULL;
CREATE TABLE call_event (
    workspace_id text NOT NULL,
    channel text NOT NULL,
    provider_call_id text NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    caller text,
    name text,
    called text,
    agent text,
    outcome text,
    recording_url text,
    transcript text,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, channel, provider_call_id, seq)
)
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for statement in (*claim("call"), *fence("call_event")):
        op.execute(statement)
