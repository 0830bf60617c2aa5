"""How often somebody was written to is found again to be forgotten."""

from alembic import op

revision = "2026_11_22_written_to_by_age"
down_revision = "2026_11_22_words_may_be_damaged"


def upgrade() -> None:
    op.execute("CREATE INDEX recipient_turn_by_age ON recipient_turn (latest_at)")
