"""Messages in and out, and the words that their tickets are found by, in PostgreSQL."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, text

from services.intake.adapters import tables
from services.intake.adapters.bells import Bells
from services.intake.adapters.chat.replies import ChatReplies
from services.intake.adapters.media import tables as media_tables
from services.intake.adapters.outbound import tables as outbound_tables
from services.intake.adapters.outbound.statements import ASKED_AT
from services.intake.adapters.receipts import PostgresReceipts
from services.intake.adapters.tickets import pairs
from services.intake.app.ports import CustomerKey, Opening, StoredMessage, TicketKey
from services.intake.domain.message import (
    DeliveryState,
    Identity,
    IdentityKind,
    MessageKind,
    Sender,
    StaffMessage,
)
from services.intake.domain.search import words_of
from services.intake.domain.ticket import Ticket
from shared.db.engine import Collision
from shared.db.sets import insert_new_set, insert_set, transposed
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of
from shared.vocabulary import ActorKind, ChannelKind, MachineClass

_MESSAGE = tuple(column.name for column in tables.message.columns)
_MEDIA = (
    *("workspace_id", "attachment_id", "message_id", "shard", "channel"),
    *("url", "media_type", "filename", "provider", "next_attempt_at"),
)

_ADD_MESSAGES = insert_new_set(tables.message, _MESSAGE).returning(tables.message.c.message_id)
_ADD_MEDIA = insert_set(media_tables.media_fetch, _MEDIA)
# By messages and by calls.
_REOPENED = text(
    "SELECT w.workspace_id, w.ticket_id AS id, (SELECT count(*) FROM message m"
    " WHERE m.workspace_id = w.workspace_id AND m.ticket_id = w.ticket_id"
    " AND m.created_at > :since AND m.disposition = 'reopened')"
    " + (SELECT count(*) FROM call c WHERE c.workspace_id = w.workspace_id AND c.ticket_id = w.ticket_id"
    " AND c.reopened_at > :since) AS times"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
)
_REOPENED_BY = text(
    "SELECT w.workspace_id, w.customer_id AS id, (SELECT count(*) FROM message m"
    " WHERE m.workspace_id = w.workspace_id AND m.customer_id = w.customer_id"
    " AND m.created_at > :since AND m.disposition = 'reopened')"
    " + (SELECT count(*) FROM ticket t JOIN call c ON c.workspace_id = t.workspace_id"
    " AND c.ticket_id = t.ticket_id AND c.reopened_at > :since"
    " WHERE t.workspace_id = w.workspace_id AND t.customer_id = w.customer_id) AS times"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, customer_id)"
)
# An array of arrays would be taken apart whole: each row's words travel as one text.
_ADD_WORDS = text(
    "INSERT INTO ticket_words (workspace_id, source_id, ticket_id, words)"
    " SELECT w.workspace_id, w.source_id, w.ticket_id, string_to_array(w.words, ' ')"
    " FROM unnest(CAST(:workspace_id AS text[]), CAST(:source_id AS uuid[]), CAST(:ticket_id AS uuid[]),"
    " CAST(:words AS text[])) AS w (workspace_id, source_id, ticket_id, words)"
    " ON CONFLICT (workspace_id, source_id) DO UPDATE SET words = excluded.words"
)
_OPENING = text(
    "SELECT m.text_new, m.author_id, m.author_name, m.author_identity, m.author_is_verified, m.machine,"
    " EXISTS (SELECT 1 FROM ticket t JOIN ticket o"
    " ON o.workspace_id = t.workspace_id AND o.customer_id = t.customer_id AND o.number < t.number"
    " WHERE t.workspace_id = m.workspace_id AND t.ticket_id = m.ticket_id) AS is_known FROM message m"
    " WHERE m.workspace_id = :workspace_id AND m.ticket_id = :ticket_id AND m.kind = 'inbound'"
    " ORDER BY m.created_at, m.entry LIMIT 1"
)


class PostgresMessages(PostgresReceipts):
    """Implements the port `Messages`, and what the staff writes."""

    def __init__(self, shards: int, outbound: Bells, chats: ChatReplies) -> None:
        self._message_shards = shards
        self._outbound = outbound
        self._chats = chats

    async def reopenings(
        self, tx: Tx, tickets: Collection[TicketKey], senders: Collection[CustomerKey], since: datetime
    ) -> Mapping[TicketKey | CustomerKey, int]:
        """How often these tickets were reopened, and these customers reopened any, after a moment."""
        counts: dict[TicketKey | CustomerKey, int] = {}
        for statement, keys in ((_REOPENED, tickets), (_REOPENED_BY, senders)):
            if keys:
                rows = await tx.execute(statement, {**pairs(keys), "since": since})
                counts.update({(row.workspace_id, row.id): row.times for row in rows})
        return counts

    async def add_messages(self, tx: Tx, messages: Sequence[StoredMessage]) -> None:
        """New inbound messages; their media wait to be fetched.

        Raises Collision where somebody else was faster with a dedupe key: run again, it is found.
        """
        if not messages:
            return
        added = (await tx.execute(_ADD_MESSAGES, transposed(map(_inbound_row, messages), _MESSAGE))).all()
        if len(added) != len(messages):
            raise Collision("somebody else was faster with a message")
        if media := [row for stored in messages for row in self._media_rows(stored)]:
            await tx.execute(_ADD_MEDIA, transposed(media, _MEDIA))
        await add_words(
            tx,
            (
                (
                    stored.message.workspace_id,
                    stored.message.message_id,
                    stored.ticket_id,
                    words_of(stored.message.subject, stored.message.text_new),
                )
                for stored in messages
            ),
        )

    async def add_staff_message(self, tx: Tx, message: StaffMessage) -> None:
        """A reply or a note. A reply that leaves is queued for delivery, one to a chat joins it."""
        await tx.execute(insert(tables.message).values(**_staff_row(message)))
        words = words_of(message.text)
        await add_words(tx, [(message.workspace_id, message.message_id, message.ticket_id, words)])
        if message.delivery_state is DeliveryState.QUEUED:
            await tx.execute(
                insert(outbound_tables.delivery).values(
                    workspace_id=message.workspace_id,
                    message_id=message.message_id,
                    shard=shard_of(message.workspace_id, self._message_shards),
                    ticket_id=message.ticket_id,
                    channel=message.channel,
                    channel_kind=message.channel_kind,
                    template=asdict(message.template) if message.template else None,
                    queued_at=message.created_at,
                    next_attempt_at=message.created_at,
                )
            )
            await self._outbound.ring_after(tx, [message.workspace_id])
        elif message.kind is MessageKind.OUTBOUND and message.channel_kind is ChannelKind.CHAT:
            await self._chats.append(tx, message)

    def _media_rows(self, stored: StoredMessage) -> Iterator[dict[str, object]]:
        message = stored.message
        for attachment_id, media in zip(stored.attachment_ids, message.media, strict=True):
            yield {
                "workspace_id": message.workspace_id,
                "attachment_id": attachment_id,
                "message_id": message.message_id,
                "shard": shard_of(message.workspace_id, self._message_shards),
                "channel": message.channel,
                "url": media.url,
                "media_type": media.media_type,
                "filename": media.filename,
                "provider": media.provider,
                "next_attempt_at": stored.received_at,
            }

    async def opening(self, tx: Tx, key: TicketKey) -> Opening:
        """Of the message that opened a ticket; empty without one."""
        row = (await tx.execute(_OPENING, {"workspace_id": key[0], "ticket_id": key[1]})).one_or_none()
        if row is None:
            return Opening()
        return Opening(
            text=row.text_new,
            sender=to_sender(row),
            is_known=row.is_known,
            is_machine=row.machine != MachineClass.NONE,
        )

    async def asked_at(self, tx: Tx, key: TicketKey) -> datetime | None:
        """When the customer of a WhatsApp ticket last wrote by its channel."""
        named = {"workspace_id": key[0], "ticket_id": key[1]}
        asked: datetime | None = (await tx.execute(ASKED_AT, named)).scalar_one_or_none()
        return asked

    async def save_subject(self, tx: Tx, ticket: Ticket) -> None:
        """Makes a ticket's subject as it is now one that it is found by."""
        await add_words(tx, [(ticket.workspace_id, ticket.ticket_id, ticket.ticket_id, words_of(ticket.subject))])


async def add_words(tx: Tx, found_by: Iterable[tuple[str, UUID, UUID, set[str]]]) -> None:
    """By which words tickets are found: workspace, what holds them, its ticket, the words."""
    rows = [
        {
            "workspace_id": workspace_id,
            "source_id": source_id,
            "ticket_id": ticket_id,
            "words": " ".join(indexed(workspace_id, words)),
        }
        for workspace_id, source_id, ticket_id, words in found_by
    ]
    await tx.execute(_ADD_WORDS, transposed(rows, ("workspace_id", "source_id", "ticket_id", "words")))


def indexed(workspace_id: str, words: Iterable[str]) -> list[str]:
    """Words as the index holds them: each workspace's apart."""
    return [f"{workspace_id}/{word}" for word in words]


def to_sender(row: Row[Any]) -> Sender:
    """The sender of a stored message."""
    name, is_verified = row.author_name, bool(row.author_is_verified)
    if row.author_id is None or row.author_identity is None:
        return Sender(identity=None, name=name, is_verified=is_verified)
    identity = Identity(kind=IdentityKind(row.author_identity), value=row.author_id)
    return Sender(identity=identity, name=name, is_verified=is_verified)


def _inbound_row(stored: StoredMessage) -> dict[str, object]:
    message = stored.message
    identity = message.sender.identity
    return {
        "workspace_id": message.workspace_id,
        "message_id": message.message_id,
        "ticket_id": stored.ticket_id,
        "entry": stored.entry,
        "kind": MessageKind.INBOUND,
        "channel": message.channel,
        "channel_kind": stored.channel_kind,
        "author_kind": ActorKind.CUSTOMER,
        "author_id": identity.value if identity else None,
        "author_name": message.sender.name,
        "author_identity": identity.kind if identity else None,
        "author_is_verified": message.sender.is_verified,
        "customer_id": stored.customer_id,
        "is_public": stored.is_public,
        "machine": message.machine,
        "purpose": None,
        "subject": message.subject,
        "text": message.text,
        "text_new": message.text_new,
        "html": message.html,
        "is_damaged": message.is_damaged,
        "dedupe_key": message.dedupe_key,
        "disposition": stored.disposition,
        "provider_message_id": message.provider_message_id,
        "reply_to": message.reply_to,
        "thread_key": message.thread_key,
        "delivered_to": list(message.delivered_to),
        "sent_at": message.sent_at,
        "created_at": stored.received_at,
    }


def _staff_row(message: StaffMessage) -> dict[str, object]:
    return {
        "workspace_id": message.workspace_id,
        "message_id": message.message_id,
        "ticket_id": message.ticket_id,
        "entry": message.entry,
        "kind": message.kind,
        "channel": message.channel,
        "channel_kind": message.channel_kind,
        "author_kind": message.author_kind,
        "author_id": message.author_id,
        "is_public": message.kind is not MessageKind.NOTE,
        "machine": MachineClass.NONE,
        "purpose": message.purpose,
        "subject": message.subject,
        "text": message.text,
        "text_new": message.text,
        "html": message.html,
        "created_at": message.created_at,
        # JSON has a null of its own.
        **({"delivered_to": [message.recipient]} if message.recipient else {}),
    }
