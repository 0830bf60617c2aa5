"""Chains that repeat, are put off, and ask how often their policy was set off."""

from alembic import op

revision = "2026_11_23_chains"
down_revision = "2026_11_23_agreements"

_CHANGES = """
ALTER TABLE escalation ADD COLUMN rounds smallint NOT NULL DEFAULT 0;
ALTER TABLE escalation ADD COLUMN resumes_at timestamptz;
ALTER TABLE escalation ADD COLUMN snoozed_at timestamptz;
ALTER TABLE escalation ADD COLUMN snoozed_by text;
CREATE INDEX escalation_by_policy ON escalation (workspace_id, policy, started_at)
"""


def upgrade() -> None:
    for statement in _CHANGES.split(";"):
        op.execute(statement)
