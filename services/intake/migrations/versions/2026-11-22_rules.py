"""Finds the messages that opened tickets, newest first."""

from alembic import op

revision = "2026_11_22_rules"
down_revision = "2026_11_21_first_tables"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX message_that_opened ON message (workspace_id, created_at, message_id)"
        " WHERE disposition = 'opened'"
    )
