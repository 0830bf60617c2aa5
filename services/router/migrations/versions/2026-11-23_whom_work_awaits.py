"""What routing by skills, shifts, promises and partners keeps beside what was kept before."""

from alembic import op

from shared.db.fences import claim, fence

revision = "2026_11_23_whom_work_awaits"
down_revision = "2026_11_22_completed_work"

COLUMNS: tuple[str, ...] = (
    "work_item.done_by timestamptz",
    "agent.missed integer NOT NULL DEFAULT 0",
    "agent.is_connected boolean NOT NULL DEFAULT false",
    "agent.disconnected_at timestamptz",
    "agent.lost_from text",
    "ticket.ended_call uuid",
    "work_item.over_capacity boolean NOT NULL DEFAULT false",
    "work_item.departures jsonb NOT NULL DEFAULT '[]'",
    "input_log.brought jsonb",
    "input_log.decisions integer",
    "agent.off_duty text",
    "ticket.clocks jsonb NOT NULL DEFAULT '[]'",
    "work_item.is_expedited boolean NOT NULL DEFAULT false",
    "work_item.held_until timestamptz",
    "work_item.ignores_capacity boolean NOT NULL DEFAULT false",
)
"""As `ALTER TABLE` adds them: with defaults that a process of the version before can live with."""

_MESSAGES = """
CREATE TABLE work_order_message (
    workspace_id text NOT NULL,
    offer_id uuid NOT NULL,
    event text NOT NULL,
    shard smallint NOT NULL,
    ticket_id uuid NOT NULL,
    queue text NOT NULL,
    facts jsonb NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamptz,
    give_up_at timestamptz NOT NULL,
    detail text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (workspace_id, offer_id, event)
);
CREATE INDEX work_order_message_by_attempt ON work_order_message (shard, next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
CREATE INDEX work_order_message_by_end ON work_order_message (finished_at) WHERE finished_at IS NOT NULL
"""

_CHECKPOINTS = """
CREATE TABLE checkpoint (
    workspace_id text NOT NULL,
    input_id bigint NOT NULL,
    decision_id bigint NOT NULL,
    taken_at timestamptz NOT NULL,
    rows integer NOT NULL,
    PRIMARY KEY (workspace_id, input_id)
);
CREATE TABLE checkpoint_part (
    workspace_id text NOT NULL,
    input_id bigint NOT NULL,
    part integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (workspace_id, input_id, part)
)
"""


def upgrade() -> None:
    # As the commits of engines lock them: processes of the version before are at work meanwhile.
    op.execute("LOCK TABLE ticket, agent, work_item, decision, input_log IN ACCESS EXCLUSIVE MODE")
    for column in COLUMNS:
        table, _, definition = column.partition(".")
        op.execute(f"ALTER TABLE {table} ADD COLUMN {definition}")
    # An escalation of a solved ticket is refused, and that is recorded: there is no work that it is about.
    op.execute("ALTER TABLE decision ALTER COLUMN work_id DROP NOT NULL")
    for statement in (*_CHECKPOINTS.split(";"), *fence("checkpoint"), *fence("checkpoint_part")):
        op.execute(statement)
    for statement in (*_MESSAGES.split(";"), *claim("work_order_message")):
        op.execute(statement)
