"""Feeds of calendars: their last good copies, and what each version of the service levels has of them."""

from alembic import op

from shared.db.fences import claim

revision = "2026_11_23_whose_holidays_come"
down_revision = "2026_11_23_whom_it_is_handed_to"

_CHANGES = """
ALTER TABLE policy_version ADD COLUMN fed jsonb NOT NULL DEFAULT '{}';
CREATE TABLE calendar_feed (
    workspace_id text NOT NULL,
    url text NOT NULL,
    shard smallint NOT NULL,
    next_at timestamptz NOT NULL,
    text text,
    etag text,
    last_modified text,
    fetched_at timestamptz,
    tried_at timestamptz,
    failing_since timestamptz,
    problem text,
    PRIMARY KEY (workspace_id, url)
);
CREATE INDEX calendar_feed_by_next ON calendar_feed (shard, next_at)
"""


def upgrade() -> None:
    for statement in _CHANGES.split(";"):
        op.execute(statement)
    for statement in claim("calendar_feed"):
        op.execute(statement)
