"""Media to be fetched, in PostgreSQL: what is due, what came of it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from services.intake.app.ports import TicketKey
from shared.db.unit_of_work import Tx

_CLAIMED = timedelta(minutes=3)
"""For so long nobody else fetches what was taken up: longer than fetching and storing may take."""

# One at a time: before each it is known whose share is full.
_TAKE = text(
    "UPDATE media_fetch f SET attempts = f.attempts + 1, next_attempt_at = :again"
    " FROM (SELECT workspace_id, attachment_id FROM media_fetch WHERE shard = :shard AND state = 'waiting'"
    " AND next_attempt_at <= :now AND workspace_id <> ALL (CAST(:full AS text[]))"
    " ORDER BY next_attempt_at, attachment_id LIMIT 1"
    " FOR UPDATE SKIP LOCKED) AS due"
    " WHERE f.workspace_id = due.workspace_id AND f.attachment_id = due.attachment_id"
    " RETURNING f.workspace_id, f.attachment_id, f.channel, f.url, f.media_type, f.filename,"
    " f.provider, f.attempts"
)
_EARLIEST = text(
    "SELECT next_attempt_at FROM media_fetch WHERE shard = :shard AND state = 'waiting'"
    " AND workspace_id <> ALL (CAST(:full AS text[])) ORDER BY next_attempt_at LIMIT 1"
)
_DUE = text(
    "SELECT n FROM unnest(CAST(:shards AS smallint[])) AS held (n)"
    " WHERE EXISTS (SELECT 1 FROM media_fetch f WHERE f.shard = held.n AND f.state = 'waiting'"
    " AND f.next_attempt_at <= :now)"
)
_TICKET = text(
    "SELECT m.ticket_id FROM media_fetch f"
    " JOIN message m ON m.workspace_id = f.workspace_id AND m.message_id = f.message_id"
    " WHERE f.workspace_id = :workspace_id AND f.attachment_id = :attachment_id AND f.state = 'waiting'"
)
_SETTLE = text(
    "UPDATE media_fetch SET state = :state, last_error = :error, next_attempt_at = :next"
    " WHERE workspace_id = :workspace_id AND attachment_id = :attachment_id AND state = 'waiting'"
    " RETURNING message_id"
)
_PUT_BACK = text(
    "UPDATE media_fetch SET attempts = attempts - 1, next_attempt_at = :next, last_error = :error"
    " WHERE workspace_id = :workspace_id AND attachment_id = :attachment_id AND state = 'waiting'"
)
_ATTACH = text(
    "INSERT INTO attachment (workspace_id, attachment_id, message_id, filename, media_type, bytes, sha256,"
    " is_inline) VALUES (:workspace_id, :attachment_id, :message_id, :filename, :media_type, :bytes, :sha256,"
    " false)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file of a message that is still with its provider. attempts: with the one that is under way."""

    workspace_id: str
    attachment_id: UUID
    channel: str
    url: str = field(repr=False)
    media_type: str
    filename: str | None
    provider: str | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A file that was fetched, as it is shown. Its bytes are a blob."""

    filename: str
    media_type: str
    size: int
    sha256: bytes


async def take(tx: Tx, shard: int, full: Collection[str]) -> Wanted | None:
    """Takes up what has been due for longest, which after a crash is due again in some minutes.

    full: workspaces whose turn it is not. The unit of work claims the shard.
    """
    now = await tx.now()
    named = {"shard": shard, "now": now, "again": now + _CLAIMED, "full": list(full)}
    row = (await tx.execute(_TAKE, named)).mappings().one_or_none()
    return Wanted(**row) if row else None


async def until_next(tx: Tx, shard: int, full: Collection[str]) -> timedelta | None:
    """How long until something of other workspaces is due; None where nothing waits.

    The unit of work claims the shard.
    """
    found = await tx.execute(_EARLIEST, {"shard": shard, "full": list(full)})
    earliest: datetime | None = found.scalar_one_or_none()
    return earliest - await tx.now() if earliest else None


async def due(tx: Tx, shards: Collection[int]) -> list[int]:
    """Which of these shards have something to fetch. The unit of work claims them."""
    return [row.n for row in await tx.execute(_DUE, {"shards": list(shards), "now": await tx.now()})]


async def ticket_of(tx: Tx, wanted: Wanted) -> TicketKey | None:
    """The ticket of the message that waits for a file; None where that is settled or gone."""
    found = await tx.execute(_TICKET, {"workspace_id": wanted.workspace_id, "attachment_id": wanted.attachment_id})
    row = found.one_or_none()
    return (wanted.workspace_id, row.ticket_id) if row else None


async def settle(
    tx: Tx, wanted: Wanted, state: str, *, next_attempt_at: datetime, error: str | None
) -> UUID | None:
    """Keeps what came of an attempt; the message, None where it is settled or gone."""
    settled = await tx.execute(
        _SETTLE,
        {
            "workspace_id": wanted.workspace_id,
            "attachment_id": wanted.attachment_id,
            "state": state,
            "error": error,
            "next": next_attempt_at,
        },
    )
    message_id: UUID | None = settled.scalar_one_or_none()
    return message_id


async def put_back(tx: Tx, wanted: Wanted, next_attempt_at: datetime, why: str) -> None:
    """Lets it wait as if it had not been taken up."""
    named = {"workspace_id": wanted.workspace_id, "attachment_id": wanted.attachment_id}
    await tx.execute(_PUT_BACK, {**named, "next": next_attempt_at, "error": why})


async def attach(tx: Tx, wanted: Wanted, message_id: UUID, arrived: Arrived) -> None:
    """Makes it an attachment of its message."""
    await tx.execute(
        _ATTACH,
        {
            "workspace_id": wanted.workspace_id,
            "attachment_id": wanted.attachment_id,
            "message_id": message_id,
            "filename": arrived.filename,
            "media_type": arrived.media_type,
            "bytes": arrived.size,
            "sha256": arrived.sha256,
        },
    )
