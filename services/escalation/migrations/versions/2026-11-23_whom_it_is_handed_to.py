"""Whom open escalations are handed to: who was told because they were on call, and when to look again."""

from alembic import op

revision = "2026_11_23_whom_it_is_handed_to"
down_revision = "2026_11_23_who_is_told_in_turn"

_CHANGES = """
ALTER TABLE escalation ADD COLUMN on_call jsonb NOT NULL DEFAULT '{}';
ALTER TABLE escalation ADD COLUMN hand_off_at timestamptz
"""


def upgrade() -> None:
    for statement in _CHANGES.split(";"):
        op.execute(statement)
