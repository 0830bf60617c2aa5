"""Row-level security: which rows a unit of work may see.

`app.workspaces` is the transaction-local, comma-separated list of its workspaces, exactly one for an HTTP
request; `app.shards` that of the shards whose claim tables it scans. After commit a transaction-local
setting reads back as '' and not as NULL: NULLIF makes both mean none (ADR 0003).

The policies are a net beneath the statements, which name their workspaces themselves. They are written so
that no index fits them: an index condition on a list of unknown length leads the planner to the wrong index.
"""

from collections.abc import Iterable

_WORKSPACES = (
    "(workspace_id || '') = ANY"
    " ((SELECT string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))::text[])"
)
_SHARDS = (
    "(shard + 0) = ANY ((SELECT string_to_array(NULLIF(current_setting('app.shards', true), ''), ','))::integer[])"
)


def fence(table: str) -> Iterable[str]:
    """DDL that shows a table's rows only to units of work that name their workspace."""
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY workspaces ON {table} USING ({_WORKSPACES}) WITH CHECK ({_WORKSPACES})"


def claim(table: str) -> Iterable[str]:
    """DDL that fences a table, and also opens it to units of work that name its rows' shard."""
    yield from fence(table)
    yield f"CREATE POLICY shards ON {table} USING ({_SHARDS}) WITH CHECK ({_SHARDS})"


def fence_writes(table: str) -> Iterable[str]:
    """DDL that lets everybody read a table, and only units of work that name a row's workspace write it."""
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY readers ON {table} FOR SELECT USING (true)"
    yield f"CREATE POLICY writers ON {table} USING ({_WORKSPACES}) WITH CHECK ({_WORKSPACES})"
