"""Ends, for a shard that this process holds, the conversations to which time has something to say."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import text

from services.intake.adapters.due import Due
from services.intake.app.chat_ports import ConversationKey
from services.intake.app.close_chat import ClosingDesk, close_chat
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx

_EARLIEST = text(
    "SELECT workspace_id, conversation_id, due_at FROM chat_conversation"
    " WHERE shard = :shard AND due_at IS NOT NULL ORDER BY due_at LIMIT :most"
)


class ChatClosing:
    """Ends conversations that are left alone."""

    def __init__(self, database: Database, desk: ClosingDesk) -> None:
        self._database = database
        self._desk = desk
        self._due = Due[ConversationKey](
            database,
            _EARLIEST,
            lambda row: (row.workspace_id, row.conversation_id),
            at_once=50,
            longest_wait_s=5.0,
        )

    async def run(self, shard: Shard) -> None:
        """Ends them until the shard is drained. Raises StaleEpoch and TransientError."""
        await self._due.run(shard, shard.bell(), self._close)

    async def _close(self, shard: Shard, keys: Sequence[ConversationKey]) -> None:
        for key in keys:
            await self._database.transact(partial(self._end, key), workspaces=[key[0]], fence=shard.fence)

    async def _end(self, key: ConversationKey, tx: Tx) -> None:
        await close_chat(key, tx=tx, desk=self._desk)
