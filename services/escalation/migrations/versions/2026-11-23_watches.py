"""Escalations of queues and KPIs: what is watched, and which tickets wait in which queue."""

from alembic import op

from shared.db.fences import claim

revision = "2026_11_23_watches"
down_revision = "2026_11_23_triggers"

_CHANGES = """
CREATE TABLE watch (
    workspace_id text NOT NULL,
    subject text NOT NULL,
    shard smallint NOT NULL,
    queue text,
    kpi text,
    is_alerted boolean NOT NULL,
    shown jsonb NOT NULL,
    look_at timestamptz,
    PRIMARY KEY (workspace_id, subject)
);
CREATE INDEX watch_by_look ON watch (shard, look_at) WHERE look_at IS NOT NULL;
ALTER TABLE escalation ALTER COLUMN ticket_id DROP NOT NULL;
ALTER TABLE escalation ADD COLUMN watch text;
ALTER TABLE escalation ADD COLUMN queue text;
ALTER TABLE escalation ADD COLUMN kpi text;
CREATE INDEX escalation_live_of_watch ON escalation (workspace_id, watch)
    WHERE state <> 'resolved' AND watch IS NOT NULL;
DROP INDEX escalation_live_of_trigger;
CREATE UNIQUE INDEX escalation_live_of_trigger ON escalation (workspace_id, ticket_id, watch, trigger, trigger_id)
    NULLS NOT DISTINCT WHERE state <> 'resolved' AND clock_id IS NULL;
ALTER TABLE tracked_ticket ADD COLUMN waiting_in text;
ALTER TABLE tracked_ticket ADD COLUMN waiting_since timestamptz;
ALTER TABLE tracked_ticket NO FORCE ROW LEVEL SECURITY;
UPDATE tracked_ticket
    SET waiting_in = state ->> 'queue', waiting_since = (state -> 'stint' ->> 'at')::timestamptz
    WHERE state -> 'stint' ->> 'at' IS NOT NULL AND state ->> 'opened' IS NOT NULL
    AND status NOT IN ('solved', 'closed');
ALTER TABLE tracked_ticket FORCE ROW LEVEL SECURITY;
CREATE INDEX tracked_ticket_waiting ON tracked_ticket (workspace_id, waiting_in, waiting_since)
    WHERE waiting_in IS NOT NULL
"""


def upgrade() -> None:
    for statement in _CHANGES.split(";"):
        op.execute(statement)
    for statement in claim("watch"):
        op.execute(statement)
