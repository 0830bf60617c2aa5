-- The tables that every service's database has, as of their first release. Never edited: what changes later
-- is a migration of its own. tests/integration/shared/db/test_schema.py holds it against shared/db/tables.py.

CREATE TABLE configuration (
    workspace_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    body JSONB NOT NULL,
    applied_at TIMESTAMP WITH TIME ZONE NOT NULL,
    applied_by TEXT NOT NULL,
    PRIMARY KEY (workspace_id)
);

CREATE TABLE idempotency (
    workspace_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    status SMALLINT,
    headers JSONB,
    body BYTEA,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (workspace_id, subject, route, key)
);

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE member (
    holder TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (holder)
);

CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shard SMALLINT NOT NULL,
    workspace_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    subject TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    traceparent TEXT,
    value BYTEA NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX outbox_by_shard ON outbox (shard, id);

CREATE TABLE parked (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shard SMALLINT NOT NULL,
    workspace_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    sequence BIGINT,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    request TEXT,
    parked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    topic TEXT NOT NULL,
    partition SMALLINT NOT NULL,
    record_offset BIGINT NOT NULL,
    record_key BYTEA,
    record_value BYTEA,
    traceparent TEXT,
    PRIMARY KEY (id)
);

CREATE INDEX parked_by_request ON parked (shard) WHERE request IS NOT NULL;

CREATE INDEX parked_by_subject ON parked (workspace_id, subject, sequence);

CREATE TABLE position (
    topic TEXT NOT NULL,
    partition SMALLINT NOT NULL,
    next_offset BIGINT NOT NULL,
    PRIMARY KEY (topic, partition)
);

CREATE TABLE revoked_token (
    workspace_id TEXT NOT NULL,
    jti TEXT NOT NULL,
    shard SMALLINT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (workspace_id, jti)
);

CREATE TABLE shard (
    n SMALLINT NOT NULL,
    epoch BIGINT NOT NULL,
    PRIMARY KEY (n)
);

CREATE TABLE shard_lease (
    n SMALLINT NOT NULL,
    holder TEXT,
    owner_url TEXT,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (n)
);

CREATE TABLE version (
    workspace_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, subject)
);

CREATE TABLE workspace (
    workspace_id TEXT NOT NULL,
    shard SMALLINT NOT NULL,
    PRIMARY KEY (workspace_id)
);

CREATE INDEX workspace_by_shard ON workspace (shard);

ALTER TABLE version ENABLE ROW LEVEL SECURITY;

ALTER TABLE version FORCE ROW LEVEL SECURITY;

CREATE POLICY workspaces ON version USING ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[])) WITH CHECK ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[]));

ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;

ALTER TABLE idempotency FORCE ROW LEVEL SECURITY;

CREATE POLICY workspaces ON idempotency USING ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[])) WITH CHECK ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[]));

ALTER TABLE configuration ENABLE ROW LEVEL SECURITY;

ALTER TABLE configuration FORCE ROW LEVEL SECURITY;

CREATE POLICY workspaces ON configuration USING ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[])) WITH CHECK ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[]));

ALTER TABLE workspace ENABLE ROW LEVEL SECURITY;

ALTER TABLE workspace FORCE ROW LEVEL SECURITY;

CREATE POLICY workspaces ON workspace USING ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[])) WITH CHECK ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[]));

CREATE POLICY shards ON workspace USING ((shard + 0) = ANY ((SELECT string_to_array(NULLIF(current_setting('app.shards', true), ''), ','))::integer[])) WITH CHECK ((shard + 0) = ANY ((SELECT string_to_array(NULLIF(current_setting('app.shards', true), ''), ','))::integer[]));

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE outbox FORCE ROW LEVEL SECURITY;

CREATE POLICY workspaces ON outbox USING ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[])) WITH CHECK ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[]));

CREATE POLICY shards ON outbox USING ((shard + 0) = ANY ((SELECT string_to_array(NULLIF(current_setting('app.shards', true), ''), ','))::integer[])) WITH CHECK ((shard + 0) = ANY ((SELECT string_to_array(NULLIF(current_setting('app.shards', true), ''), ','))::integer[]));

ALTER TABLE parked ENABLE ROW LEVEL SECURITY;

ALTER TABLE parked FORCE ROW LEVEL SECURITY;

CREATE POLICY workspaces ON parked USING ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[])) WITH CHECK ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[]));

CREATE POLICY shards ON parked USING ((shard + 0) = ANY ((SELECT string_to_array(NULLIF(current_setting('app.shards', true), ''), ','))::integer[])) WITH CHECK ((shard + 0) = ANY ((SELECT string_to_array(NULLIF(current_setting('app.shards', true), ''), ','))::integer[]));

ALTER TABLE revoked_token ENABLE ROW LEVEL SECURITY;

ALTER TABLE revoked_token FORCE ROW LEVEL SECURITY;

CREATE POLICY workspaces ON revoked_token USING ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[])) WITH CHECK ((workspace_id || '') = ANY ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[]));

CREATE POLICY shards ON revoked_token USING ((shard + 0) = ANY ((SELECT string_to_array(NULLIF(current_setting('app.shards', true), ''), ','))::integer[])) WITH CHECK ((shard + 0) = ANY ((SELECT string_to_array(NULLIF(current_setting('app.shards', true), ''), ','))::integer[]));

-- Rows live for milliseconds: let vacuum follow closely, or the index that finds the next ones bloats.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
