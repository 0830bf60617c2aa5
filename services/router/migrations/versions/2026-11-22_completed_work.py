"""Completed work by its end: how long work takes is asked for of the last day, whatever came before."""

from alembic import op

revision = "2026_11_22_completed_work"
down_revision = "2026_11_21_first_tables"


def upgrade() -> None:
    op.execute("CREATE INDEX work_item_by_end ON work_item (workspace_id, ended_at) WHERE state = 'completed'")
