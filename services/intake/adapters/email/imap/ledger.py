"""What is written about one mailbox, under the fence of its shard."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from services.intake.adapters.email.imap import rows
from services.intake.adapters.email.imap.rows import Cursor, MailboxKey
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx

T = TypeVar("T")


class Ledger:
    """Everything raises NotFound once the mailbox is configured otherwise, StaleEpoch, and DatabaseUnavailable."""

    def __init__(self, database: Database, shard: Shard, key: MailboxKey) -> None:
        self._database = database
        self._shard = shard
        self.key = key

    async def load(self) -> Cursor:
        """How far it has been read."""
        return await self._transact(lambda tx: rows.load(tx, self.key))

    async def save(self, cursor: Cursor) -> Cursor:
        """Keeps how far it has been read."""
        await self._transact(lambda tx: rows.save(tx, self.key, cursor))
        return cursor

    async def well(self, trouble: str | None) -> None:
        """All that was there is stored. trouble: what did not work beside that"""
        await self._transact(lambda tx: rows.well(tx, self.key, trouble))

    async def failed(self, error: str, pause: timedelta) -> None:
        """It did not work; it is tried again after a pause."""
        await self._transact(lambda tx: rows.failed(tx, self.key, error, pause))

    async def renewed(self, refresh_token: str) -> None:
        """Keeps a refresh token, sealed, that has replaced the configured one."""
        await self._transact(lambda tx: rows.renewed(tx, self.key, refresh_token))

    async def _transact(self, unit: Callable[[Tx], Awaitable[T]]) -> T:
        return await self._database.transact(unit, workspaces=[self.key.workspace_id], fence=self._shard.fence)
