"""Clocks of two agreements, and by what of a ticket their promises are found."""

from alembic import op

revision = "2026_11_23_agreements"
down_revision = "2026_11_21_first_tables"

_POLICIES = """
UPDATE tracked_ticket SET
    is_live = is_live OR (status NOT IN ('solved', 'closed') AND state ->> 'opened' IS NOT NULL),
    state = (state - 'policy') || jsonb_build_object(
    'policies',
    CASE WHEN state ->> 'policy' IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('sla', state ->> 'policy') END
)
"""


def upgrade() -> None:
    # A process of the version before writes clocks without them: of customers of every tier, by no rule.
    op.execute("ALTER TABLE sla_clock ADD COLUMN agreement text NOT NULL DEFAULT 'sla'")
    op.execute("ALTER TABLE sla_clock ADD COLUMN customer_tier text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE sla_clock ADD COLUMN calendar text")
    op.execute("ALTER TABLE sla_clock ADD COLUMN withdrawn jsonb NOT NULL DEFAULT '[]'")
    # The fence holds for the owner, too.
    op.execute("ALTER TABLE tracked_ticket NO FORCE ROW LEVEL SECURITY")
    op.execute(_POLICIES)
    op.execute("ALTER TABLE tracked_ticket FORCE ROW LEVEL SECURITY")
