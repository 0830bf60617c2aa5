"""Finds, for a shard that this process holds, the conversations to which time has something to say."""

from datetime import datetime

from sqlalchemy import text

from services.intake.app.chat_ports import Chats, ConversationKey
from services.intake.app.close_chat import close_chat
from services.intake.app.desk import Desk
from services.intake.domain.chat import ChatState
from shared.db.shards import Shard
from shared.db.unit_of_work import Database, Tx

_AT_ONCE = 50
_LONGEST_WAIT_S = 5.0
"""A conversation may change in any process: this is how late that is noticed."""

_EARLIEST = text(
    "SELECT workspace_id, conversation_id, due_at FROM chat_conversation"
    " WHERE shard = :shard AND due_at IS NOT NULL ORDER BY due_at LIMIT :most"
)


class ChatClosing:
    """Ends conversations that are left alone. The database's clock rules."""

    def __init__(self, database: Database, desk: Desk, chats: Chats) -> None:
        self._database = database
        self._desk = desk
        self._chats = chats

    async def run(self, shard: Shard) -> None:
        """Sleeps until the earliest is due, until the shard is drained. Raises StaleEpoch and TransientError."""
        bell = shard.bell()
        while not shard.draining.is_set():
            due, wait_s = await self._database.transact(lambda tx: self._look(tx, shard.n), claims=[shard.n])
            for key in due:
                await self._close(shard, key)
            if not due:
                await bell.wait(wait_s)

    async def _close(self, shard: Shard, key: ConversationKey) -> None:
        async def unit(tx: Tx) -> ChatState | None:
            return await close_chat(key, tx=tx, desk=self._desk, chats=self._chats)

        await self._database.transact(unit, workspaces=[key[0]], fence=shard.fence)

    async def _look(self, tx: Tx, shard: int) -> tuple[list[ConversationKey], float]:
        """Conversations that are due, and how long none is if none are."""
        rows = (await tx.execute(_EARLIEST, {"shard": shard, "most": _AT_ONCE})).all()
        now = await tx.now()
        due = [(row.workspace_id, row.conversation_id) for row in rows if row.due_at <= now]
        return due, _wait(rows[0].due_at, now) if rows and not due else _LONGEST_WAIT_S


def _wait(due_at: datetime, now: datetime) -> float:
    return min(_LONGEST_WAIT_S, max(0.0, (due_at - now).total_seconds()))
