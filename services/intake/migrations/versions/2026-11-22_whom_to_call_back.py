"""Which calls somebody has to come back to: a ticket may be about any number of calls."""

from alembic import op

revision = "2026_11_22_whom_to_call_back"
down_revision = "2026_11_22_whom_rows_are_about"

_STATEMENTS = (
    "ALTER TABLE call ADD is_owed boolean DEFAULT false NOT NULL",
    # Of all workspaces: what their channels had as `short_abandon` is not known here, so its default decides.
    "ALTER TABLE call NO FORCE ROW LEVEL SECURITY",
    "UPDATE call SET is_owed = true WHERE outcome <> 'answered'"
    " AND NOT (outcome = 'abandoned' AND queue_s + ring_s <= 5)",
    "ALTER TABLE call FORCE ROW LEVEL SECURITY",
    "CREATE INDEX call_owed ON call (workspace_id, ticket_id, ended_at, call_id) WHERE is_owed",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
