"""Receipts of providers, in PostgreSQL.

A provider may tell about a message before we have committed under which id it took it. Both sides lock that id
first, so that one of them sees what the other has left.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Row, TextClause, text

from services.intake.adapters.outbound import tables
from services.intake.app.delivery_ports import ReceiptKey
from services.intake.app.ports import TicketKey
from services.intake.domain.message import DeliveryState
from services.intake.domain.progress import Progress
from shared.db.housekeeping import delete_portion
from shared.db.unit_of_work import Tx

_NAMED = (
    "unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]), CAST(:provider_ids AS text[]))"
    " AS w (workspace_id, channel, provider_id)"
)
_PROGRESS = ("state", "sent_at", "delivered_at", "read_at", "failed_at")
_TOLD = (
    "unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]), CAST(:provider_ids AS text[]),"
    " CAST(:state AS text[]), CAST(:sent_at AS timestamptz[]), CAST(:delivered_at AS timestamptz[]),"
    " CAST(:read_at AS timestamptz[]), CAST(:failed_at AS timestamptz[]), CAST(:reason AS text[]))"
    " AS w (workspace_id, channel, provider_id, state, sent_at, delivered_at, read_at, failed_at, reason)"
)


def _statement(sql: str) -> TextClause:
    return text(sql.replace("{named}", _NAMED).replace("{told}", _TOLD))


_LOCK_NAMES = _statement(
    "SELECT pg_advisory_xact_lock(name) FROM (SELECT DISTINCT hashtextextended("
    "w.workspace_id || '/' || w.channel || '/' || w.provider_id, 0) AS name FROM {named} ORDER BY 1) AS names"
)
_TICKETS = _statement(
    "SELECT DISTINCT d.workspace_id, d.ticket_id"
    " FROM {named} JOIN delivery d USING (workspace_id, channel, provider_id)"
)
_LOCK_KNOWN = _statement(
    "SELECT d.workspace_id, d.channel, d.provider_id, d.state, d.sent_at, d.delivered_at, d.read_at, d.failed_at,"
    " d.last_error AS reason FROM {named} JOIN delivery d USING (workspace_id, channel, provider_id)"
    " ORDER BY d.workspace_id, d.message_id FOR UPDATE OF d"
)
_SAVE = _statement(
    "UPDATE delivery d SET state = w.state, sent_at = w.sent_at, delivered_at = w.delivered_at,"
    " read_at = w.read_at, failed_at = w.failed_at, last_error = w.reason FROM {told}"
    " WHERE d.workspace_id = w.workspace_id AND d.channel = w.channel AND d.provider_id = w.provider_id"
    " RETURNING d.workspace_id, d.channel, d.provider_id, d.message_id, d.ticket_id"
)
_KEPT = _statement(
    "SELECT k.* FROM {named} JOIN delivery_receipt k USING (workspace_id, channel, provider_id)"
    " ORDER BY k.workspace_id, k.channel, k.provider_id FOR UPDATE OF k"
)
_KEEP = _statement(
    "INSERT INTO delivery_receipt AS k (workspace_id, channel, provider_id, state, sent_at, delivered_at, read_at,"
    " failed_at, reason, received_at) SELECT w.*, :now FROM {told}"
    " ON CONFLICT (workspace_id, channel, provider_id) DO UPDATE SET state = excluded.state,"
    " sent_at = excluded.sent_at, delivered_at = excluded.delivered_at, read_at = excluded.read_at,"
    " failed_at = excluded.failed_at, reason = excluded.reason"
)
_TAKE_KEPT = _statement(
    "DELETE FROM delivery_receipt k USING {named} WHERE k.workspace_id = w.workspace_id"
    " AND k.channel = w.channel AND k.provider_id = w.provider_id RETURNING k.*"
)


async def lock_names(tx: Tx, keys: Collection[ReceiptKey]) -> None:
    """Until this transaction ends nobody else looks for these, or gives one to a message."""
    await tx.execute(_LOCK_NAMES, _named(keys))


async def tickets_of(tx: Tx, keys: Collection[ReceiptKey]) -> list[TicketKey]:
    """The tickets of the messages among these that we know."""
    return [(row.workspace_id, row.ticket_id) for row in await tx.execute(_TICKETS, _named(keys))]


async def lock_known(tx: Tx, keys: Collection[ReceiptKey]) -> dict[ReceiptKey, Progress]:
    """How far the messages among these are that we know, locked."""
    return {_key(row): _progress(row) for row in await tx.execute(_LOCK_KNOWN, _named(keys))}


async def save(tx: Tx, told: Mapping[ReceiptKey, Progress]) -> Sequence[Row[tuple[object, ...]]]:
    """Keeps how far messages are; each with its message and ticket."""
    return (await tx.execute(_SAVE, _told(told))).all()


async def keep(tx: Tx, told: Mapping[ReceiptKey, Progress]) -> None:
    """Joins what is told about messages that we do not know with what was."""
    kept = {_key(row): _progress(row) for row in await tx.execute(_KEPT, _named(told))}
    joined = {key: progress.joined(kept[key]) if key in kept else progress for key, progress in told.items()}
    await tx.execute(_KEEP, {**_told(joined), "now": await tx.now()})


async def take_kept(tx: Tx, key: ReceiptKey) -> Progress | None:
    """What was told about a message before it was known, which is then forgotten."""
    row = (await tx.execute(_TAKE_KEPT, _named([key]))).one_or_none()
    return _progress(row) if row else None


async def forget(tx: Tx, before: datetime) -> bool:
    """Forgets a portion of what was told so long ago about messages that we do not know.

    Whether there may be more.
    """
    return await delete_portion(tx, tables.delivery_receipt, tables.delivery_receipt.c.received_at < before)


def columns(progress: Progress) -> dict[str, object]:
    """The columns of `delivery` that say how far a message is, but for the reason."""
    return {**{name: getattr(progress, name) for name in _PROGRESS}, "state": progress.state.value}


def _key(row: Row[tuple[object, ...]]) -> ReceiptKey:
    return row.workspace_id, row.channel, row.provider_id


def _progress(row: Row[tuple[object, ...]]) -> Progress:
    return Progress(
        state=DeliveryState(row.state),
        sent_at=row.sent_at,
        delivered_at=row.delivered_at,
        read_at=row.read_at,
        failed_at=row.failed_at,
        reason=row.reason,
    )


def _named(keys: Collection[ReceiptKey]) -> dict[str, object]:
    workspaces, channels, provider_ids = zip(*sorted(keys), strict=True)
    return {"workspaces": list(workspaces), "channels": list(channels), "provider_ids": list(provider_ids)}


def _told(told: Mapping[ReceiptKey, Progress]) -> dict[str, object]:
    ordered = sorted(told)
    rows = [{**columns(told[key]), "reason": told[key].reason} for key in ordered]
    return {**_named(ordered), **{name: [row[name] for row in rows] for name in (*_PROGRESS, "reason")}}
