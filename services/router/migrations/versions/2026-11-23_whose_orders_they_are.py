"""To whom each work order was offered."""

from alembic import op

revision = "2026_11_23_whose_orders_they_are"
down_revision = "2026_11_23_whom_work_awaits"


def upgrade() -> None:
    # Messages without go to the partner as it is configured, as they did before.
    op.execute("ALTER TABLE work_order_message ADD COLUMN url text, ADD COLUMN secret text")
