"""Escalations name the trigger that set them off; one is live for each clock, and for each ticket and trigger."""

from alembic import op

revision = "2026_11_23_triggers"
down_revision = "2026_11_23_chains"

_CHANGES = """
ALTER TABLE escalation ADD COLUMN trigger_id text;
CREATE UNIQUE INDEX escalation_live_of_clock ON escalation (workspace_id, clock_id, generation)
    WHERE state <> 'resolved' AND clock_id IS NOT NULL;
CREATE UNIQUE INDEX escalation_live_of_trigger ON escalation (workspace_id, ticket_id, trigger, trigger_id)
    NULLS NOT DISTINCT WHERE state <> 'resolved' AND clock_id IS NULL;
DROP INDEX escalation_live_once
"""


def upgrade() -> None:
    for statement in _CHANGES.split(";"):
        op.execute(statement)
