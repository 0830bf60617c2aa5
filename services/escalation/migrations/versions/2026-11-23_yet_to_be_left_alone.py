"""Who wants to be left alone; escalations are listed, and what is over is forgotten, along an index."""

from alembic import op

from shared.db.fences import fence

revision = "2026_11_23_yet_to_be_left_alone"
down_revision = "2026_11_23_wrong_warnings_end"

_CHANGES = """
CREATE TABLE left_alone (
    workspace_id text NOT NULL,
    way text NOT NULL,
    address text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, way, address)
);
DROP INDEX escalation_by_ticket;
CREATE INDEX escalation_by_ticket ON escalation (ticket_id, workspace_id, escalation_id);
CREATE INDEX escalation_listed ON escalation (state, workspace_id, escalation_id)
    WHERE state IN ('raised', 'acknowledged');
CREATE INDEX notification_over ON notification (shard, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX message_over ON message (shard, finished_at) WHERE finished_at IS NOT NULL
"""


def upgrade() -> None:
    for statement in (*_CHANGES.split(";"), *fence("left_alone")):
        op.execute(statement)
