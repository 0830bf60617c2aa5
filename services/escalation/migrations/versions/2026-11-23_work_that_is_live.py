"""Open tickets are found by their ids, however many there were before: the auditor reads them in portions."""

from alembic import op

revision = "2026_11_23_work_that_is_live"
down_revision = "2026_11_23_whose_work_waits"


def upgrade() -> None:
    op.execute("CREATE INDEX tracked_ticket_live ON tracked_ticket (workspace_id, ticket_id) WHERE is_live")
