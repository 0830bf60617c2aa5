"""A message that no ticket was made of is known when it comes again; a notice keeps when its reason came up."""

from alembic import op

from shared.db.fences import fence

revision = "2026_11_22_without_a_ticket"
down_revision = "2026_11_22_windows_of_workspaces"

_TABLES = """
CREATE TABLE refusal (
    workspace_id text NOT NULL,
    channel text NOT NULL,
    key_hash bytea NOT NULL,
    message_id uuid NOT NULL,
    disposition text NOT NULL,
    PRIMARY KEY (workspace_id, channel, key_hash)
);
CREATE INDEX refusal_dropped ON refusal (message_id) WHERE disposition = 'dropped';
ALTER TABLE notice ADD since timestamptz
"""


def upgrade() -> None:
    for statement in (*_TABLES.split(";"), *fence("refusal")):
        op.execute(statement)
