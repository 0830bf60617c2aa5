"""What routing by skills, shifts, promises and partners keeps beside what was kept before."""

from alembic import op

revision = "2026_11_23_whom_work_awaits"
down_revision = "2026_11_22_completed_work"

COLUMNS: tuple[str, ...] = (
    "work_item.done_by timestamptz",
    "agent.missed integer NOT NULL DEFAULT 0",
    "ticket.ended_call uuid",
    "work_item.over_capacity boolean NOT NULL DEFAULT false",
    "work_item.departures jsonb NOT NULL DEFAULT '[]'",
    "input_log.brought jsonb",
    "input_log.decisions integer",
    "agent.off_duty text",
)
"""As `ALTER TABLE` adds them: with defaults that a process of the version before can live with."""


def upgrade() -> None:
    for column in COLUMNS:
        table, _, definition = column.partition(".")
        op.execute(f"ALTER TABLE {table} ADD COLUMN {definition}")
    # An escalation of a solved ticket is refused, and that is recorded: there is no work that it is about.
    op.execute("ALTER TABLE decision ALTER COLUMN work_id DROP NOT NULL")
    op.execute("CREATE INDEX decision_in_order ON decision (workspace_id, id)")
