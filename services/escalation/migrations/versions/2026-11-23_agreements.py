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

_CALENDARS = """
UPDATE sla_clock c SET history = (
    SELECT coalesce(jsonb_agg(jsonb_build_object('calendar', (
        SELECT p ->> 'calendar' FROM policy_version v
        CROSS JOIN LATERAL jsonb_array_elements(v.body -> 'sla_policies') p
        WHERE v.workspace_id = c.workspace_id AND v.version = (h.line ->> 'policy_version')::integer
        AND p ->> 'id' = h.line ->> 'policy'
    )) || h.line ORDER BY h.position), '[]'::jsonb)
    FROM jsonb_array_elements(c.history) WITH ORDINALITY AS h (line, position)
)
"""
_FENCED = ("tracked_ticket", "sla_clock", "policy_version")


def upgrade() -> None:
    # A process of the version before writes clocks without them: of customers of every tier, by no rule.
    op.execute("ALTER TABLE sla_clock ADD COLUMN agreement text NOT NULL DEFAULT 'sla'")
    op.execute("ALTER TABLE sla_clock ADD COLUMN customer_tier text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE sla_clock ADD COLUMN calendar text")
    op.execute("ALTER TABLE sla_clock ADD COLUMN withdrawn jsonb NOT NULL DEFAULT '[]'")
    # The fence holds for the owner, too.
    for table in _FENCED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_POLICIES)
    op.execute(_CALENDARS)
    for table in _FENCED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
