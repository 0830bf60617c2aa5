"""How far a policy that has changed has been asked about what was there before it."""

from alembic import op

from shared.db.fences import fence

revision = "2026_11_23_yet_to_reconsider"
down_revision = "2026_11_23_written_in_order"

_TABLE = """
CREATE TABLE reconsidering (
    workspace_id text NOT NULL,
    until uuid,
    after uuid,
    due_at timestamptz,
    is_over boolean NOT NULL,
    PRIMARY KEY (workspace_id)
)
"""


def upgrade() -> None:
    for statement in (_TABLE, *fence("reconsidering")):
        op.execute(statement)
