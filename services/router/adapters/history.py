"""How far back a workspace's record goes: checkpoints are taken, and what lies before the oldest kept one goes."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog
from sqlalchemy import TextClause, text

from services.router.adapters.checkpoints import Checkpoints
from shared.db import workspaces
from shared.db.housekeeping import PORTION
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx
from shared.errors import WaypostError
from shared.telemetry.names import Log

log = structlog.get_logger()

_EVERY_S = 600.0

_KEPT = (
    "SELECT DISTINCT ON (workspace_id) workspace_id, input_id, decision_id FROM checkpoint"
    " WHERE workspace_id = ANY (string_to_array(current_setting('app.workspaces', true), ','))"
    " AND taken_at <= :before ORDER BY workspace_id, input_id DESC"
)
"""Of each workspace the last checkpoint that is old enough: everything younger can be replayed from it."""


def _older(table: str) -> TextClause:
    return text(
        f"DELETE FROM {table} USING ({_KEPT}) k"  # noqa: S608 - our own names
        f" WHERE {table}.workspace_id = k.workspace_id AND {table}.input_id < k.input_id"
    )


def _portion(table: str, place: str) -> TextClause:
    return text(
        f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM ({_KEPT}) k"  # noqa: S608 - our own names
        f" JOIN {table} t ON t.workspace_id = k.workspace_id AND t.id <= k.{place} LIMIT {PORTION})) RETURNING 1"
    )


_OLD_CHECKPOINTS = (_older("checkpoint_part"), _older("checkpoint"))
_OLD_RECORDS = (_portion("decision", "decision_id"), _portion("input_log", "input_id"))


class History:
    """Takes the checkpoints of the shards that this process holds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._checkpoints = Checkpoints(database)
        self._turn = asyncio.Lock()
        """One at a time: each takes a connection for as long as it lasts, and engines need theirs."""

    async def run(self, shard: Shard) -> None:
        """Looks every ten minutes for workspaces whose turn it is, until the shard is drained."""
        while not shard.draining.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await shard.draining.wait()
                    return
            try:
                await self.look(shard)
            except WaypostError as error:
                # The shard's engine has nothing to do with it, and goes on.
                log.warning(Log.CHECKPOINT_FAILED, shard=shard.n, reason=str(error))

    async def look(self, shard: Shard) -> None:
        """Takes the checkpoints that are due. One that fails is logged and tried again the next time."""
        names = await self._database.transact(lambda tx: workspaces.of_shard(tx, shard.n), claims=[shard.n])
        for workspace_id in await self._checkpoints.due(names):
            try:
                async with self._turn:
                    if shard.draining.is_set():
                        return
                    await self._checkpoints.take(workspace_id, is_over=shard.draining.is_set)
            except WaypostError as error:
                log.warning(Log.CHECKPOINT_FAILED, workspace_id=workspace_id, reason=str(error))


class ForgetHistory:
    """A chore of housekeeping: deletes decisions and inputs that are older than what is kept.

    kept: how far back everything can be replayed. What is older goes with the next checkpoint's age, never what
    the oldest kept checkpoint needs.
    """

    def __init__(self, kept: timedelta) -> None:
        self._kept = kept

    async def __call__(self, tx: Tx) -> bool:
        """Deletes a portion; whether there may be more."""
        before = {"before": await tx.now() - self._kept}
        # First those from which nothing could be replayed any more once the first input is gone.
        for statement in _OLD_CHECKPOINTS:
            await tx.execute(statement, before)
        deleted = [len((await tx.execute(statement, before)).all()) for statement in _OLD_RECORDS]
        return max(deleted) == PORTION
