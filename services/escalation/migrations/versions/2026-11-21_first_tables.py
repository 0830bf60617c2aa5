"""First tables: tickets and their events, clocks, escalations, timers, policies, notifications."""

from alembic import op

from shared.db.fences import claim, fence
from shared.db.kernel import create_v1

revision = "2026_11_21_first_tables"
down_revision = None

_TABLES = """
CREATE TABLE tracked_ticket (
    workspace_id text NOT NULL,
    ticket_id uuid NOT NULL,
    status text NOT NULL,
    policy_version integer NOT NULL,
    is_live boolean NOT NULL,
    state jsonb NOT NULL,
    PRIMARY KEY (workspace_id, ticket_id)
);
CREATE INDEX tracked_ticket_by_policy_version ON tracked_ticket (workspace_id, policy_version) WHERE is_live;
CREATE TABLE tracked_event (
    workspace_id text NOT NULL,
    ticket_id uuid NOT NULL,
    subject text NOT NULL,
    sequence bigint NOT NULL,
    topic text NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (workspace_id, ticket_id, subject, sequence)
);
CREATE TABLE sla_clock (
    workspace_id text NOT NULL,
    clock_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    metric text NOT NULL,
    origin uuid NOT NULL,
    generation integer NOT NULL,
    is_newest boolean NOT NULL,
    state text NOT NULL,
    policy text NOT NULL,
    policy_version integer NOT NULL,
    priority text NOT NULL,
    started_at timestamptz NOT NULL,
    elapsed interval NOT NULL,
    elapsed_wall interval NOT NULL,
    running_since timestamptz,
    due_at timestamptz,
    breached_at timestamptz,
    ended_at timestamptz,
    history jsonb NOT NULL,
    sequence bigint NOT NULL,
    last_event_at timestamptz,
    breaches jsonb NOT NULL,
    breach_told_at timestamptz,
    is_provisional boolean NOT NULL,
    is_escalated boolean NOT NULL,
    warned smallint NOT NULL,
    PRIMARY KEY (workspace_id, clock_id),
    FOREIGN KEY (workspace_id, ticket_id) REFERENCES tracked_ticket (workspace_id, ticket_id)
);
CREATE INDEX sla_clock_by_ticket ON sla_clock (workspace_id, ticket_id);
CREATE INDEX sla_clock_live ON sla_clock (workspace_id, clock_id) WHERE ended_at IS NULL;
CREATE TABLE escalation (
    workspace_id text NOT NULL,
    escalation_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    clock_id uuid,
    metric text,
    generation integer,
    trigger text NOT NULL,
    policy text NOT NULL,
    policy_version integer NOT NULL,
    reason text,
    raised_by text,
    state text NOT NULL,
    position smallint NOT NULL,
    level smallint NOT NULL,
    next_at timestamptz,
    wait_left interval,
    started_at timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    resolved_at timestamptz,
    resolved_by text,
    resolved_cause text,
    sequence bigint NOT NULL,
    last_event_at timestamptz,
    PRIMARY KEY (workspace_id, escalation_id),
    FOREIGN KEY (workspace_id, ticket_id) REFERENCES tracked_ticket (workspace_id, ticket_id)
);
CREATE UNIQUE INDEX escalation_live_once ON escalation (workspace_id, ticket_id, metric, generation)
    NULLS NOT DISTINCT WHERE state <> 'resolved';
CREATE TABLE timer (
    workspace_id text NOT NULL,
    ticket_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    generation integer NOT NULL,
    kind text NOT NULL,
    level smallint NOT NULL,
    shard smallint NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, ticket_id, owner_id, generation, kind, level)
);
CREATE INDEX timer_by_due ON timer (shard, due_at);
CREATE TABLE policy_version (
    workspace_id text NOT NULL,
    version integer NOT NULL,
    shard smallint NOT NULL,
    since timestamptz NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (workspace_id, version)
);
CREATE INDEX policy_version_by_shard ON policy_version (shard, workspace_id, version);
CREATE TABLE notification (
    workspace_id text NOT NULL,
    notification_id uuid NOT NULL,
    shard smallint NOT NULL,
    ticket_id uuid NOT NULL,
    escalation_id uuid NOT NULL,
    way text NOT NULL,
    name text NOT NULL,
    address text,
    payload jsonb NOT NULL,
    state text NOT NULL,
    attempts smallint NOT NULL,
    next_attempt_at timestamptz,
    detail text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (workspace_id, notification_id)
);
CREATE INDEX notification_by_attempt ON notification (shard, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE TABLE webhook_gone (
    workspace_id text NOT NULL,
    webhook_id text NOT NULL,
    url text NOT NULL,
    gone_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, webhook_id, url)
)
"""
_FENCED = ("tracked_ticket", "tracked_event", "sla_clock", "escalation", "webhook_gone")
_CLAIMED = ("timer", "policy_version", "notification")


def upgrade() -> None:
    for statement in create_v1():
        op.execute(statement)
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table in _FENCED:
        for statement in fence(table):
            op.execute(statement)
    for table in _CLAIMED:
        for statement in claim(table):
            op.execute(statement)
    # Rows live for as long as a target: let vacuum follow closely, or the index that finds the next one bloats.
    op.execute("ALTER TABLE timer SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)")
