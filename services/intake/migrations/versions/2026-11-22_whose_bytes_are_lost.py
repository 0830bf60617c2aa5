"""Bytes that were found missing or changed, so that the same bytes take their place when they come again."""

from alembic import op

revision = "2026_11_22_whose_bytes_are_lost"
down_revision = "2026_11_22_whom_visitors_name"


def upgrade() -> None:
    op.execute("ALTER TABLE blob ADD is_lost boolean DEFAULT false NOT NULL")
