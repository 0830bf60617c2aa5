"""Who is told in turn: the last one of each team."""

from alembic import op

from shared.db.fences import fence

revision = "2026_11_23_who_is_told_in_turn"
down_revision = "2026_11_23_who_is_told_how"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE team_turn (workspace_id text NOT NULL, team text NOT NULL, last_agent text NOT NULL,"
        " PRIMARY KEY (workspace_id, team))"
    )
    for statement in fence("team_turn"):
        op.execute(statement)
