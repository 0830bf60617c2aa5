"""What waits to be read is taken fairly, and what nothing came of is found again to be forgotten."""

from alembic import op

revision = "2026_11_22_windows_of_workspaces"
down_revision = "2026_11_22_whose_bytes_are_lost"

_STATEMENTS = (
    "DROP INDEX raw_received",
    "CREATE INDEX raw_received ON raw (shard, workspace_id, form, raw_id) WHERE state = 'received'",
    "CREATE INDEX raw_idle ON raw (received_at) WHERE state IN ('parsed', 'duplicate')"
    " AND message_id IS NULL AND ticket_id IS NULL",
    "CREATE INDEX used_token_by_raw ON used_token (raw_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
