"""First tables: tracked tickets and agents, facts, rollups."""

from alembic import op

from shared.db.fences import fence
from shared.db.kernel import create_v1

revision = "2026_11_21_first_tables"
down_revision = None

_TABLES = """
CREATE TABLE tracked_ticket (
    workspace_id text NOT NULL,
    ticket_id uuid NOT NULL,
    stories text NOT NULL,
    opened_at timestamptz,
    status text,
    waiting_since timestamptz,
    queue text,
    channel text,
    support_tier smallint,
    agent_id text,
    PRIMARY KEY (workspace_id, ticket_id)
);
CREATE INDEX tracked_ticket_by_age ON tracked_ticket (workspace_id, opened_at, ticket_id)
    WHERE status IS NOT NULL;
CREATE INDEX tracked_ticket_by_wait ON tracked_ticket (workspace_id, waiting_since, ticket_id)
    WHERE waiting_since IS NOT NULL;
CREATE TABLE tracked_agent (
    workspace_id text NOT NULL,
    agent_id text NOT NULL,
    state text NOT NULL,
    activity text NOT NULL,
    since timestamptz,
    queues text NOT NULL,
    support_tier smallint,
    is_removed boolean NOT NULL,
    PRIMARY KEY (workspace_id, agent_id)
);
CREATE TABLE fact (
    workspace_id text NOT NULL,
    ticket_id uuid NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    aspect text NOT NULL,
    queue text,
    channel text,
    support_tier smallint,
    agent_id text,
    value bigint NOT NULL,
    business_value bigint,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, ticket_id, event_id, kind)
);
CREATE INDEX fact_by_end ON fact (workspace_id, kind, ended_at);
CREATE TABLE rollup (
    workspace_id text NOT NULL,
    dimension text NOT NULL,
    member text NOT NULL,
    kind text NOT NULL,
    aspect text NOT NULL,
    bucket timestamptz NOT NULL,
    facts bigint NOT NULL,
    total bigint NOT NULL,
    minimum bigint NOT NULL,
    maximum bigint NOT NULL,
    distribution bytea NOT NULL,
    PRIMARY KEY (workspace_id, dimension, member, kind, aspect, bucket)
);
CREATE INDEX rollup_by_bucket ON rollup (workspace_id, bucket);
CREATE TABLE kpi_feed (
    workspace_id text NOT NULL,
    kpi text NOT NULL,
    sequence bigint NOT NULL,
    last_event_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, kpi)
)
"""
_FENCED = ("tracked_ticket", "tracked_agent", "fact", "rollup", "kpi_feed")


def upgrade() -> None:
    for statement in create_v1():
        op.execute(statement)
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table in _FENCED:
        for statement in fence(table):
            op.execute(statement)
