"""Answers by every channel: how far they have got, receipts that come early, threads of providers."""

from alembic import op

from shared.db.fences import fence

revision = "2026_11_22_outbound"
down_revision = "2026_11_22_hooks"

_TABLES = """
ALTER TABLE message ADD COLUMN thread_key text;
ALTER TABLE delivery
    ADD COLUMN round integer DEFAULT 0 NOT NULL,
    ADD COLUMN template jsonb,
    ADD COLUMN sent_at timestamptz,
    ADD COLUMN delivered_at timestamptz,
    ADD COLUMN read_at timestamptz,
    ADD COLUMN failed_at timestamptz;
CREATE INDEX delivery_by_lane ON delivery (shard, workspace_id, channel, next_attempt_at) WHERE state = 'queued';
CREATE INDEX delivery_begun ON delivery (workspace_id, ticket_id, message_id)
    WHERE state = 'queued' AND attempts <= 1;
CREATE INDEX delivery_undelivered ON delivery (workspace_id, message_id)
    WHERE state IN ('queued', 'failed', 'bounced');
CREATE INDEX delivery_by_provider_id ON delivery (workspace_id, channel, provider_id)
    WHERE provider_id IS NOT NULL;
CREATE TABLE delivery_receipt (
    workspace_id text NOT NULL,
    channel text NOT NULL,
    provider_id text NOT NULL,
    state text NOT NULL,
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    failed_at timestamptz,
    reason text,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, channel, provider_id)
);
CREATE INDEX delivery_receipt_by_age ON delivery_receipt (workspace_id, received_at)
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for statement in fence("delivery_receipt"):
        op.execute(statement)
