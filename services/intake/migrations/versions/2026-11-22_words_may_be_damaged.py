"""Which messages may not say what was written."""

from alembic import op

revision = "2026_11_22_words_may_be_damaged"
down_revision = "2026_11_22_without_a_ticket"


def upgrade() -> None:
    op.execute("ALTER TABLE message ADD is_damaged boolean DEFAULT false NOT NULL")
