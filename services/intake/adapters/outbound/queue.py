"""What waits to leave, in PostgreSQL: by which channels, which is due, what it is made of."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, text

from services.intake.adapters.outbound import statements
from services.intake.adapters.outbound.opt_outs import opted_out
from services.intake.adapters.outbound.recipients import KINDS, recipient
from services.intake.app.delivery_ports import DeliveryKey
from services.intake.domain.message import Identity, IdentityKind
from services.intake.domain.outgoing import Outgoing, OutgoingFile
from services.intake.domain.whatsapp import WhatsAppTemplate
from shared.db.unit_of_work import Tx
from shared.vocabulary import AuthorKind, ChannelKind, Purpose

LaneKey = tuple[str, str]
"""Workspace and channel."""

CLAIMED = timedelta(minutes=5)
"""For so long nobody else sends what was taken up: longer than any attempt takes."""

_DUE = text(
    "SELECT n FROM unnest(CAST(:shards AS smallint[])) AS held (n)"
    " WHERE EXISTS (SELECT 1 FROM delivery d WHERE d.shard = held.n AND d.state = 'queued'"
    " AND d.next_attempt_at <= :now)"
)
_FILES = text(
    "SELECT a.workspace_id, a.message_id, a.filename, a.media_type, a.sha256, a.bytes, a.content_id, a.is_inline"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, message_id)"
    " JOIN attachment a USING (workspace_id, message_id) ORDER BY a.workspace_id, a.message_id, a.attachment_id"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A channel by which something waits to leave, and when the first of it is due."""

    lane: LaneKey
    due_at: datetime


class DeliveryQueue:
    """What waits to leave. Whoever takes from it holds the shard."""

    async def waiting(self, tx: Tx, shard: int) -> list[Waiting]:
        """The channels by which something waits. The unit of work claims the shard."""
        rows = await tx.execute(statements.WAITING, {"shard": shard})
        return [Waiting((row.workspace_id, row.channel), row.next_attempt_at) for row in rows]

    async def due(self, tx: Tx, shards: Collection[int]) -> list[int]:
        """Which of these shards have something to send. The unit of work claims them."""
        return [row.n for row in await tx.execute(_DUE, {"shards": list(shards), "now": await tx.now()})]

    async def take(self, tx: Tx, shard: int, rooms: Mapping[LaneKey, int]) -> list[Outgoing]:
        """Takes up what is due, of each channel as much as there is room for: after a crash it is due again.

        The unit of work claims the shard and names the workspaces. The messages of a ticket begin to leave in
        their order.
        """
        now = await tx.now()
        ordered = sorted(rooms)
        rows = await tx.execute(
            statements.TAKE,
            {
                "shard": shard,
                "now": now,
                "again": now + CLAIMED,
                "workspaces": [lane[0] for lane in ordered],
                "channels": [lane[1] for lane in ordered],
                "rooms": [rooms[lane] for lane in ordered],
            },
        )
        return await self._load(tx, sorted((row.workspace_id, row.message_id) for row in rows))

    async def _load(self, tx: Tx, keys: Collection[DeliveryKey]) -> list[Outgoing]:
        if not keys:
            return []
        named = {"workspaces": [key[0] for key in keys], "ids": [key[1] for key in keys]}
        files: dict[DeliveryKey, list[OutgoingFile]] = {}
        for row in await tx.execute(_FILES, named):
            files.setdefault((row.workspace_id, row.message_id), []).append(_file(row))
        rows = (await tx.execute(statements.OUTGOING, {**named, **KINDS})).all()
        recipients = {(row.workspace_id, row.message_id): recipient(row) for row in rows}
        refused = await self._opted_out(tx, rows, recipients)
        return [
            _outgoing(
                row,
                recipients[row.workspace_id, row.message_id],
                tuple(files.get((row.workspace_id, row.message_id), ())),
                is_opted_out=(row.workspace_id, row.message_id) in refused,
            )
            for row in rows
        ]

    async def _opted_out(
        self, tx: Tx, rows: Collection[Row[tuple[object, ...]]], recipients: Mapping[DeliveryKey, Identity | None]
    ) -> set[DeliveryKey]:
        """Those whose recipient wants no messages by their channel."""
        asked = {
            (row.workspace_id, row.message_id): {
                (row.workspace_id, row.channel, identity)
                for identity in _written_to(row, recipients[row.workspace_id, row.message_id])
            }
            for row in rows
        }
        refused = await opted_out(tx, set().union(*asked.values()))
        return {key for key, ways in asked.items() if ways & refused}


def _written_to(row: Row[tuple[object, ...]], recipient: Identity | None) -> Iterator[Identity]:
    """Whom a message is for, and the number that it goes to where it names one itself."""
    if recipient:
        yield recipient
    if row.reply_to:
        yield Identity(kind=IdentityKind.PHONE, value=row.reply_to)


def _outgoing(
    row: Row[tuple[object, ...]],
    recipient: Identity | None,
    files: tuple[OutgoingFile, ...],
    *,
    is_opted_out: bool,
) -> Outgoing:
    return Outgoing(
        workspace_id=row.workspace_id,
        message_id=row.message_id,
        ticket_id=row.ticket_id,
        ticket_number=row.number,
        channel=row.channel,
        channel_kind=ChannelKind(row.channel_kind),
        attempts=row.attempts,
        round=row.round,
        queued_at=row.queued_at,
        author_kind=AuthorKind(row.author_kind),
        purpose=Purpose(row.purpose or Purpose.REPLY),
        language=row.language,
        subject=row.subject,
        has_subject=row.has_subject,
        text=row.text,
        html=row.html,
        recipient=recipient,
        reply_to=row.reply_to,
        thread_key=row.thread_key,
        asked_at=row.asked_at,
        answers=row.answers,
        references=tuple(reversed(row.newest)),
        template=WhatsAppTemplate(**row.template) if row.template else None,
        files=files,
        is_opted_out=is_opted_out,
    )


def _file(row: Row[tuple[object, ...]]) -> OutgoingFile:
    return OutgoingFile(
        filename=row.filename,
        media_type=row.media_type,
        sha256=row.sha256,
        size=row.bytes,
        content_id=row.content_id,
        is_inline=row.is_inline,
    )
