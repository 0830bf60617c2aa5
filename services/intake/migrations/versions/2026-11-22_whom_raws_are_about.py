"""Whom the bytes are about that were stored as they came, so that erasure finds them."""

from alembic import op

revision = "2026_11_22_whom_raws_are_about"
down_revision = "2026_11_22_who_brought_media"


def upgrade() -> None:
    op.execute("ALTER TABLE raw ADD people jsonb DEFAULT '[]' NOT NULL")
