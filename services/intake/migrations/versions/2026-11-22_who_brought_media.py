"""Who brought a file or told of a call: nobody else's credentials open it."""

from alembic import op

revision = "2026_11_22_who_brought_media"
down_revision = "2026_11_22_where_blobs_lie"


def upgrade() -> None:
    op.execute("ALTER TABLE media_fetch ADD provider text")
    op.execute("ALTER TABLE call_event ADD provider text")
