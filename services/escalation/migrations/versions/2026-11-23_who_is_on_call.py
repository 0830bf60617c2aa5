"""Who is on call: overrides of rotations, and links to calendars of them."""

from alembic import op

from shared.db.fences import fence

revision = "2026_11_23_who_is_on_call"
down_revision = "2026_11_23_watches"

_TABLES = """
CREATE TABLE on_call_override (
    workspace_id text NOT NULL,
    override_id uuid NOT NULL,
    rotation text NOT NULL,
    agent text NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    reason text,
    swap_id uuid,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    ended_at timestamptz,
    ended_by text,
    PRIMARY KEY (workspace_id, override_id)
);
CREATE INDEX on_call_override_by_end ON on_call_override (workspace_id, end_at);
CREATE TABLE on_call_feed (
    workspace_id text NOT NULL,
    feed_id uuid NOT NULL,
    rotation text NOT NULL,
    agent text,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (workspace_id, feed_id)
)
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table in ("on_call_override", "on_call_feed"):
        for statement in fence(table):
            op.execute(statement)
