"""Open tickets that are behind their configuration have an order, in which they are carried over."""

from alembic import op

revision = "2026_11_23_your_tickets_in_order"
down_revision = "2026_11_23_you_are_on_call"


def upgrade() -> None:
    op.execute("DROP INDEX tracked_ticket_by_policy_version")
    op.execute(
        "CREATE INDEX tracked_ticket_by_policy_version ON tracked_ticket (workspace_id, policy_version, ticket_id)"
        " WHERE is_live"
    )
