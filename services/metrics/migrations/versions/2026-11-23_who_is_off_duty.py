"""Which agents are off duty."""

from alembic import op

revision = "2026_11_23_who_is_off_duty"
down_revision = "2026_11_21_first_tables"


def upgrade() -> None:
    # A process of the version before writes agents without it: to it all of them are on duty.
    op.execute("ALTER TABLE tracked_agent ADD COLUMN is_on_duty boolean NOT NULL DEFAULT true")
