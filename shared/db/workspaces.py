"""Workspaces are never created: a service remembers each from the first record or request that names it."""

import re
from collections.abc import Collection

from sqlalchemy import select

from shared.db import tables
from shared.db.sets import insert_new_set
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_INSERT = insert_new_set(tables.workspace, ("workspace_id", "shard"))


def is_workspace_id(text: str) -> bool:
    """Whether this can name a workspace: a slug of at most 63 characters."""
    return _ID.match(text) is not None


async def of_shard(tx: Tx, shard: int) -> list[str]:
    """The workspaces seen so far of a shard. The unit of work claims the shard."""
    rows = await tx.execute(
        select(tables.workspace.c.workspace_id)
        .where(tables.workspace.c.shard == shard)
        .order_by(tables.workspace.c.workspace_id)
    )
    return [row.workspace_id for row in rows]


class SeenWorkspaces:
    """Remembers which workspaces are stored already, so that a known one costs nothing."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._stored: set[str] = set()

    async def remember(self, tx: Tx, workspaces: Collection[str]) -> None:
        """Stores those that are new to this process."""
        fresh = sorted(set(workspaces) - self._stored)
        if fresh:
            shards = [shard_of(workspace_id, self._shards) for workspace_id in fresh]
            await tx.execute(_INSERT, {"workspace_id": fresh, "shard": shards})
            tx.after_commit(lambda: self._stored.update(fresh))
