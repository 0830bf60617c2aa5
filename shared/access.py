"""Revoked tokens: from topic `access` into a table of every service, from there into every process."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import select

from shared.db import tables
from shared.db.housekeeping import delete_portion
from shared.db.sets import insert_new_set, transposed
from shared.db.unit_of_work import Database, Tx
from shared.errors import TransientError
from shared.events.access import AccessRevokedV1
from shared.events.catalog import shard_of
from shared.events.envelope import Event

_POLL_S = 2.0
_COLUMNS = ("workspace_id", "jti", "shard", "expires_at")
_INSERT = insert_new_set(tables.revoked_token, _COLUMNS).returning(tables.revoked_token.c.jti)


class RevokedTokens:
    """What this process knows of revoked tokens; at most some seconds behind."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._revoked: set[tuple[str, str]] = set()

    def is_revoked(self, workspace_id: str, jti: str) -> bool:
        """Whether this token is no longer good."""
        return (workspace_id, jti) in self._revoked

    async def record(self, tx: Tx, revocations: Sequence[tuple[str, AccessRevokedV1]]) -> int:
        """Stores revocations, by workspace, and says how many of them are new."""
        if not revocations:
            return 0
        rows = [
            {
                "workspace_id": workspace_id,
                "jti": data.jti,
                "shard": shard_of(workspace_id, self._database.shards),
                "expires_at": data.expires_at,
            }
            for workspace_id, data in revocations
        ]
        new = (await tx.execute(_INSERT, transposed(rows, _COLUMNS))).all()
        keys = [(workspace_id, data.jti) for workspace_id, data in revocations]
        tx.after_commit(lambda: self._revoked.update(keys))
        return len(new)

    async def record_events(self, tx: Tx, events: Sequence[Event]) -> None:
        """Stores what a batch of events says about tokens."""
        await self.record(
            tx,
            [(event.workspace_id, event.data) for event in events if isinstance(event.data, AccessRevokedV1)],
        )

    async def refresh(self) -> None:
        """Reads the table. Raises DatabaseUnavailable."""

        async def unit(tx: Tx) -> set[tuple[str, str]]:
            t = tables.revoked_token.c
            rows = await tx.execute(select(t.workspace_id, t.jti))
            return {(row.workspace_id, row.jti) for row in rows}

        self._revoked |= await self._database.transact(unit, claims=range(self._database.shards))

    async def run(self, stopping: asyncio.Event) -> None:
        """Keeps up with what other processes store, until `stopping`."""
        while not stopping.is_set():
            with suppress(TransientError):
                await self.refresh()
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await stopping.wait()


async def forget_expired(tx: Tx) -> bool:
    """Deletes revocations of tokens that have ended anyway: a chore of housekeeping."""
    return await delete_portion(tx, tables.revoked_token, tables.revoked_token.c.expires_at < await tx.now())
