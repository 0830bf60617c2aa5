"""Tokens that may be used once, and who does not want to be written to."""

from alembic import op

from shared.db.fences import fence

revision = "2026_11_22_hooks"
down_revision = "2026_11_22_chat"

_TABLES = """
CREATE TABLE used_token (
    workspace_id text NOT NULL,
    channel text NOT NULL,
    token text NOT NULL,
    sha256 bytea NOT NULL,
    raw_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, channel, token)
);
CREATE TABLE opt_out (
    workspace_id text NOT NULL,
    channel text NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, channel, kind, value)
)
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for statement in (*fence("used_token"), *fence("opt_out")):
        op.execute(statement)
