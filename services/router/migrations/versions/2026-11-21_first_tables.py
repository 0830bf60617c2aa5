"""First tables: agents, tickets, work items, offers, decisions, the input log."""

from alembic import op

from shared.db.fences import fence
from shared.db.kernel import create_v1

revision = "2026_11_21_first_tables"
down_revision = None

_TABLES = """
CREATE TABLE agent (
    workspace_id text NOT NULL,
    agent_id text NOT NULL,
    is_removed boolean NOT NULL,
    state text NOT NULL,
    reason text,
    state_since timestamptz NOT NULL,
    idle_since timestamptz NOT NULL,
    activity text NOT NULL,
    used integer NOT NULL,
    items jsonb NOT NULL,
    last_assigned jsonb NOT NULL,
    availability integer NOT NULL,
    sequence bigint NOT NULL,
    last_event_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, agent_id)
);
CREATE TABLE ticket (
    workspace_id text NOT NULL,
    ticket_id uuid NOT NULL,
    facts jsonb,
    status text NOT NULL,
    last_agent_id text,
    work_id uuid,
    early jsonb NOT NULL,
    PRIMARY KEY (workspace_id, ticket_id)
);
CREATE TABLE work_item (
    workspace_id text NOT NULL,
    work_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    channel text NOT NULL,
    channel_kind text NOT NULL,
    state text NOT NULL,
    queue text NOT NULL,
    support_tier smallint NOT NULL,
    base jsonb NOT NULL,
    steps jsonb NOT NULL,
    step smallint NOT NULL,
    is_moved boolean NOT NULL,
    rule text NOT NULL,
    policy_version integer NOT NULL,
    priority text NOT NULL,
    raised_by smallint NOT NULL,
    queued_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    stint_at timestamptz NOT NULL,
    preferred_agent_id text,
    refused_by jsonb NOT NULL,
    agent_id text,
    assigned_at timestamptz,
    accepted_offer_id uuid,
    wrapping_at timestamptz,
    wrap_until timestamptz,
    return_at timestamptz,
    bears_load boolean NOT NULL,
    ended_at timestamptz,
    sequence bigint NOT NULL,
    last_event_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, work_id)
);
CREATE INDEX work_item_by_agent ON work_item (workspace_id, agent_id)
    WHERE state IN ('queued', 'offered', 'assigned', 'wrapping');
CREATE INDEX work_item_by_queue ON work_item (workspace_id, queue, state, stint_at)
    WHERE state IN ('queued', 'offered', 'assigned', 'wrapping');
CREATE INDEX work_item_by_ticket ON work_item (workspace_id, ticket_id, queued_at);
CREATE UNIQUE INDEX work_item_is_alone ON work_item (workspace_id, ticket_id)
    WHERE state IN ('queued', 'offered', 'assigned', 'wrapping');
CREATE TABLE offer (
    workspace_id text NOT NULL,
    offer_id uuid NOT NULL,
    work_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    agent_id text NOT NULL,
    state text NOT NULL,
    offered_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    reason text,
    PRIMARY KEY (workspace_id, offer_id)
);
CREATE INDEX offer_by_agent ON offer (workspace_id, agent_id) WHERE state = 'pending';
CREATE TABLE decision (
    id bigint GENERATED ALWAYS AS IDENTITY,
    workspace_id text NOT NULL,
    ticket_id uuid NOT NULL,
    work_id uuid NOT NULL,
    decided_at timestamptz NOT NULL,
    kind text NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (workspace_id, ticket_id, id)
);
CREATE TABLE input_log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    workspace_id text NOT NULL,
    decided_at timestamptz NOT NULL,
    seed bytea NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    PRIMARY KEY (workspace_id, id)
)
"""
_FENCED = ("agent", "ticket", "work_item", "offer", "decision", "input_log")


def upgrade() -> None:
    for statement in create_v1():
        op.execute(statement)
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table in _FENCED:
        for statement in fence(table):
            op.execute(statement)
