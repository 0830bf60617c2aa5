"""Indexes of what has been recorded for months: made while it goes on."""

from alembic import op

from shared.db.migrate import without_transaction

revision = "2026_11_23_written_in_order"
down_revision = "2026_11_23_whose_orders_they_are"

INDEXES = {
    "decision_in_order": "decision (workspace_id, id)",
    "offer_by_ticket": "offer (workspace_id, ticket_id)",
    "input_log_with_words": (
        "input_log (workspace_id, COALESCE(payload ->> 'ticket_id', payload ->> 'offer_id'))"
        " WHERE kind IN ('DeclineOffer', 'EndOrder', 'Release', 'Transfer')"
    ),
}


def upgrade() -> None:
    with without_transaction():
        for name, content in INDEXES.items():
            # One that was broken off is there, and of no use.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {content}")
