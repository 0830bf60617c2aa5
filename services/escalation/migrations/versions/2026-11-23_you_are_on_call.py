"""Escalations that told somebody on call are found when somebody else is put on call."""

from alembic import op

revision = "2026_11_23_you_are_on_call"
down_revision = "2026_11_23_yet_to_be_left_alone"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX escalation_on_call ON escalation (workspace_id)"
        " WHERE state <> 'resolved' AND hand_off_at IS NOT NULL"
    )
