"""What a warning set off and was taken back is set off again when its level is passed again."""

from alembic import op

revision = "2026_11_23_wrong_warnings_end"
down_revision = "2026_11_23_work_that_is_live"


def upgrade() -> None:
    op.execute("ALTER TABLE sla_clock ADD COLUMN taken_back smallint")
