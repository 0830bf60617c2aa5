"""Row-level security: which rows a unit of work may see.

`app.workspaces` is the transaction-local, comma-separated list of its workspaces, exactly one for an HTTP
request; `app.shards` that of the shards whose claim tables it scans. After commit a transaction-local
setting reads back as '' and not as NULL: NULLIF makes both mean none (ADR 0003).
"""

from collections.abc import Iterable

_WORKSPACES = "workspace_id = ANY (string_to_array(NULLIF(current_setting('app.workspaces', true), ''), ','))"
_SHARDS = "shard = ANY (string_to_array(NULLIF(current_setting('app.shards', true), ''), ',')::smallint[])"


def fence(table: str) -> Iterable[str]:
    """DDL that shows a table's rows only to units of work that name their workspace."""
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY workspaces ON {table} USING ({_WORKSPACES}) WITH CHECK ({_WORKSPACES})"


def claim(table: str) -> Iterable[str]:
    """DDL that fences a table, and also opens it to units of work that name its rows' shard."""
    yield from fence(table)
    yield f"CREATE POLICY shards ON {table} USING ({_SHARDS}) WITH CHECK ({_SHARDS})"
