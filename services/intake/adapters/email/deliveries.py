"""What leaves by mail, in PostgreSQL: which is due, what to send, what became of it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters.email.references import PostgresReferences
from services.intake.app.mail_ports import Referred
from services.intake.domain.mail_threads import id_key
from services.intake.domain.message import DeliveryState
from shared.db.unit_of_work import Tx
from shared.vocabulary import AuthorKind

DeliveryKey = tuple[str, UUID]
"""Workspace and message."""

_CLAIMED = timedelta(minutes=2)
"""For so long nobody else sends what was taken up: longer than a mail server may take."""

_TAKE = text(
    "UPDATE delivery d SET attempts = d.attempts + 1, next_attempt_at = :again"
    " FROM (SELECT workspace_id, message_id FROM delivery WHERE shard = :shard AND state = 'queued'"
    " AND next_attempt_at <= :now AND channel_kind = 'email'"
    " ORDER BY next_attempt_at LIMIT :most FOR UPDATE SKIP LOCKED) AS due"
    " WHERE d.workspace_id = due.workspace_id AND d.message_id = due.message_id"
    " RETURNING d.workspace_id, d.message_id"
)
_EARLIEST = text(
    "SELECT next_attempt_at FROM delivery WHERE shard = :shard AND state = 'queued'"
    " AND channel_kind = 'email' ORDER BY next_attempt_at LIMIT 1"
)
_OUTGOING = text(
    "SELECT d.workspace_id, d.message_id, d.ticket_id, d.channel, d.attempts, d.queued_at,"
    " m.text, m.html, m.author_kind, t.number, t.subject, asked.provider_message_id AS answers,"
    " COALESCE(asked.reply_to, asked.author_id, known.value) AS recipient,"
    " ARRAY(SELECT e.provider_message_id FROM message e WHERE e.workspace_id = d.workspace_id"
    " AND e.ticket_id = d.ticket_id AND e.provider_message_id IS NOT NULL AND e.is_public"
    " ORDER BY e.created_at DESC LIMIT 10) AS newest"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, message_id)"
    " JOIN delivery d USING (workspace_id, message_id)"
    " JOIN message m ON m.workspace_id = d.workspace_id AND m.message_id = d.message_id"
    " JOIN ticket t ON t.workspace_id = d.workspace_id AND t.ticket_id = d.ticket_id"
    " LEFT JOIN LATERAL (SELECT i.provider_message_id, i.reply_to, i.author_id FROM message i"
    " WHERE i.workspace_id = d.workspace_id AND i.ticket_id = d.ticket_id AND i.kind = 'inbound'"
    " AND i.author_id LIKE '%_@_%' AND i.is_public AND i.machine IN ('none', 'auto_generated', 'bulk')"
    " ORDER BY i.created_at DESC LIMIT 1) AS asked ON true"
    " LEFT JOIN LATERAL (SELECT y.value FROM identity y WHERE y.workspace_id = t.workspace_id"
    " AND y.customer_id = t.customer_id AND y.kind = 'email' ORDER BY y.value LIMIT 1) AS known ON true"
)
_SETTLE = text(
    "UPDATE delivery SET state = :state, last_error = :error, next_attempt_at = :next, provider_id = :provider_id,"
    " recipient = :recipient"
    " WHERE workspace_id = :workspace_id AND message_id = :message_id AND state = 'queued'"
)
_NAME = text(
    "UPDATE message SET provider_message_id = :provider_id"
    " WHERE workspace_id = :workspace_id AND message_id = :message_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to send, with what its mail is made of.

    recipient: where the customer wants answers; None where nobody knows an address
    answers: the Message-ID that it answers; references: of the conversation so far, the oldest first
    """

    workspace_id: str
    message_id: UUID
    ticket_id: UUID
    ticket_number: int
    channel: str
    attempts: int
    queued_at: datetime
    author_kind: AuthorKind
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(repr=False)
    recipient: str | None = field(repr=False)
    answers: str | None
    references: tuple[str, ...]

    @property
    def key(self) -> DeliveryKey:
        """Workspace and message."""
        return self.workspace_id, self.message_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of trying to send.

    next_attempt_at: when it is tried again, where it stays queued
    """

    state: DeliveryState
    error: str | None = None
    provider_id: str | None = None
    next_attempt_at: datetime


class PostgresDeliveries:
    """Deliveries by mail. Whoever calls holds the shard."""

    def __init__(self, references: PostgresReferences) -> None:
        self._references = references

    async def take(self, tx: Tx, shard: int, most: int) -> list[DeliveryKey]:
        """Takes up what is due, which after a crash is due again in some minutes.

        The unit of work claims the shard.
        """
        now = await tx.now()
        rows = await tx.execute(_TAKE, {"shard": shard, "now": now, "again": now + _CLAIMED, "most": most})
        return [(row.workspace_id, row.message_id) for row in rows]

    async def until_next(self, tx: Tx, shard: int) -> timedelta | None:
        """How long until something is due; None where nothing waits."""
        earliest: datetime | None = (await tx.execute(_EARLIEST, {"shard": shard})).scalar_one_or_none()
        return earliest - await tx.now() if earliest else None

    async def load(self, tx: Tx, keys: Collection[DeliveryKey]) -> list[Outgoing]:
        """What to send."""
        ordered = sorted(keys)
        rows = await tx.execute(
            _OUTGOING, {"workspaces": [key[0] for key in ordered], "ids": [key[1] for key in ordered]}
        )
        return [
            Outgoing(
                workspace_id=row.workspace_id,
                message_id=row.message_id,
                ticket_id=row.ticket_id,
                ticket_number=row.number,
                channel=row.channel,
                attempts=row.attempts,
                queued_at=row.queued_at,
                author_kind=AuthorKind(row.author_kind),
                subject=row.subject,
                text=row.text,
                html=row.html,
                recipient=row.recipient,
                answers=row.answers,
                references=tuple(reversed(row.newest)),
            )
            for row in rows
        ]

    async def settle(self, tx: Tx, outgoing: Outgoing, attempt: Attempt) -> None:
        """Keeps what came of an attempt; what was sent is found by its Message-ID from now on."""
        named = {"workspace_id": outgoing.workspace_id, "message_id": outgoing.message_id}
        await tx.execute(
            _SETTLE,
            {
                **named,
                "state": attempt.state.value,
                "error": attempt.error,
                "next": attempt.next_attempt_at,
                "provider_id": attempt.provider_id,
                "recipient": outgoing.recipient,
            },
        )
        if attempt.provider_id is not None:
            await tx.execute(_NAME, {**named, "provider_id": attempt.provider_id})
            referred = Referred(ticket_id=outgoing.ticket_id, message_id=outgoing.message_id)
            await self._references.add(tx, {(outgoing.workspace_id, id_key(attempt.provider_id)): referred})
