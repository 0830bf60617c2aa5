"""Escalations are found by what they are about, and waiting work by its queue."""

from alembic import op

revision = "2026_11_23_whose_work_waits"
down_revision = "2026_11_23_whose_turn_it_is"

# As in the step before: no plan may take one of them for the key (ADR 0009).
_INDEXES = """
CREATE INDEX escalation_by_ticket ON escalation (ticket_id, workspace_id);
DROP INDEX escalation_live_of_clock;
DROP INDEX escalation_live_of_trigger;
DROP INDEX escalation_live_of_watch;
DROP INDEX tracked_ticket_waiting;
CREATE UNIQUE INDEX escalation_live_of_clock ON escalation (clock_id, generation, workspace_id)
    WHERE state <> 'resolved' AND clock_id IS NOT NULL;
CREATE UNIQUE INDEX escalation_live_of_trigger ON escalation (ticket_id, watch, trigger, trigger_id, workspace_id)
    NULLS NOT DISTINCT WHERE state <> 'resolved' AND clock_id IS NULL;
CREATE INDEX escalation_live_of_watch ON escalation (watch, workspace_id)
    WHERE state <> 'resolved' AND watch IS NOT NULL;
CREATE INDEX tracked_ticket_waiting ON tracked_ticket (waiting_in, workspace_id, waiting_since)
    WHERE waiting_in IS NOT NULL
"""


def upgrade() -> None:
    for statement in _INDEXES.split(";"):
        op.execute(statement)
