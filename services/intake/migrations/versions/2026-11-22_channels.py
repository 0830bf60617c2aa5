"""Every channel: intake rules, one person behind several identities."""

from alembic import op

from shared.db.fences import fence

revision = "2026_11_22_channels"
down_revision = "2026_11_21_first_tables"

_RULES = """
CREATE INDEX message_that_opened ON message (workspace_id, created_at, message_id)
    WHERE disposition = 'opened'
"""
_CUSTOMERS = """
ALTER TABLE customer ADD COLUMN do_not_contact boolean DEFAULT false NOT NULL,
    ADD COLUMN merged_into uuid, ADD COLUMN erased_at timestamptz;
CREATE TABLE customer_history (
    workspace_id text NOT NULL,
    customer_id uuid NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL,
    other_id uuid,
    actor text NOT NULL,
    PRIMARY KEY (workspace_id, customer_id, at, action)
)
"""
_FENCED = ("customer_history",)


def upgrade() -> None:
    for part in (_RULES, _CUSTOMERS):
        for statement in part.split(";"):
            op.execute(statement)
    for table in _FENCED:
        for statement in fence(table):
            op.execute(statement)
