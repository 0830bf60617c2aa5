"""Mail to the addresses that visitors name is counted with all other mail that nobody writes, by recipient."""

from alembic import op

revision = "2026_11_22_whom_visitors_name"
down_revision = "2026_11_22_whom_to_call_back"


def upgrade() -> None:
    op.execute("ALTER TABLE chat_conversation DROP COLUMN mailed_at")
