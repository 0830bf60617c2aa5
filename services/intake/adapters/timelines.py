"""Timelines: messages and events of a ticket, in the order of time or of their storing."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping, text

from services.intake.adapters.email.messages import attachments_of
from services.intake.app.ports import TicketKey
from services.intake.app.queries import EPOCH, Delivery, Entry, ShownAttachment, ShownEvent, ShownMessage
from services.intake.domain.message import DeliveryState, Disposition, MessageKind
from shared.db.unit_of_work import Tx
from shared.errors import NotFound
from shared.vocabulary import ActorKind, AuthorKind, ChannelKind, MachineClass, Purpose

_FIRST = (0, -1, str(UUID(int=0)))

# A merged ticket's messages show where it went, at their time; what happened to it shows with itself.
_PAGE = text(
    "WITH RECURSIVE family AS ("
    "SELECT t.ticket_id FROM ticket t WHERE t.workspace_id = :workspace_id AND t.ticket_id = :ticket_id"
    " UNION SELECT t.ticket_id FROM family f"
    " JOIN ticket t ON t.workspace_id = :workspace_id AND t.merged_into = f.ticket_id)"
    " SELECT * FROM ("
    "(SELECT m.created_at AS at, m.entry, m.ticket_id, m.message_id AS id, 'message' AS what FROM family f"
    " CROSS JOIN LATERAL (SELECT * FROM message WHERE workspace_id = :workspace_id AND ticket_id = f.ticket_id"
    " AND (created_at, entry, ticket_id) > (:at, :entry, :after_id) ORDER BY created_at, entry LIMIT :most) m)"
    " UNION ALL"
    " (SELECT e.at, e.entry, e.ticket_id, e.event_id, 'event' FROM ticket_event e"
    " WHERE e.workspace_id = :workspace_id AND e.ticket_id = :ticket_id"
    " AND (e.at, e.entry, e.ticket_id) > (:at, :entry, :after_id) ORDER BY e.at, e.entry LIMIT :most)"
    " UNION ALL"
    " (SELECT t.opened_at, 1, t.ticket_id, t.ticket_id, 'opened' FROM ticket t"
    " WHERE t.workspace_id = :workspace_id AND t.ticket_id = :ticket_id)"
    ") entries WHERE (at, entry, ticket_id) > (:at, :entry, :after_id) ORDER BY at, entry, ticket_id LIMIT :most"
)
_NEWS = text(
    "SELECT * FROM ("
    "SELECT m.created_at AS at, m.entry, m.ticket_id, m.message_id AS id, 'message' AS what FROM message m"
    " WHERE m.workspace_id = :workspace_id AND m.ticket_id = :ticket_id AND m.entry > :after"
    " UNION ALL"
    " SELECT e.at, e.entry, e.ticket_id, e.event_id, 'event' FROM ticket_event e"
    " WHERE e.workspace_id = :workspace_id AND e.ticket_id = :ticket_id AND e.entry > :after"
    " UNION ALL"
    " SELECT t.opened_at, 1, t.ticket_id, t.ticket_id, 'opened' FROM ticket t"
    " WHERE t.workspace_id = :workspace_id AND t.ticket_id = :ticket_id AND :after < 1"
    ") entries ORDER BY entry LIMIT :most"
)
_MESSAGES = text(
    "SELECT m.*, d.state AS delivery_state, d.attempts, d.last_error,"
    " CASE WHEN d.state = 'queued' THEN d.next_attempt_at END AS next_attempt_at, d.sent_at AS left_at,"
    " d.delivered_at, d.read_at, d.failed_at"
    " FROM unnest(CAST(:ids AS uuid[])) AS w (message_id)"
    " JOIN message m ON m.workspace_id = :workspace_id AND m.message_id = w.message_id"
    " LEFT JOIN delivery d ON d.workspace_id = m.workspace_id AND d.message_id = m.message_id"
)
_EVENTS = text(
    "SELECT e.* FROM unnest(CAST(:ids AS uuid[])) AS w (event_id)"
    " JOIN ticket_event e ON e.workspace_id = :workspace_id AND e.ticket_id = :ticket_id"
    " AND e.event_id = w.event_id"
)
_OPENED = text("SELECT * FROM ticket WHERE workspace_id = :workspace_id AND ticket_id = :ticket_id")


class PostgresTimelines:
    """Implements the port `Timelines`."""

    async def page(self, tx: Tx, key: TicketKey, after: tuple[int, int, str] | None, most: int) -> list[Entry]:
        """The next entries by time, with the messages of tickets that went up in this one."""
        at, entry, after_id = after or _FIRST
        rows = await tx.execute(
            _PAGE,
            {
                "workspace_id": key[0],
                "ticket_id": key[1],
                "at": EPOCH + timedelta(microseconds=at),
                "entry": entry,
                "after_id": UUID(after_id),
                "most": most,
            },
        )
        return await self._filled(tx, key, rows.mappings())

    async def news(self, tx: Tx, key: TicketKey, after: int, most: int) -> list[Entry]:
        """The entries that were stored after this one, in that order."""
        parameters = {"workspace_id": key[0], "ticket_id": key[1], "after": after, "most": most}
        return await self._filled(tx, key, (await tx.execute(_NEWS, parameters)).mappings())

    async def message(self, tx: Tx, key: tuple[str, UUID]) -> ShownMessage:
        """One message. Raises NotFound."""
        found = await self._messages(tx, key[0], [key[1]])
        if not found:
            raise NotFound("There is no such message.")
        return found[key[1]]

    async def _filled(self, tx: Tx, key: TicketKey, rows: Iterable[RowMapping]) -> list[Entry]:
        rows = list(rows)
        messages = await self._messages(tx, key[0], [row["id"] for row in rows if row["what"] == "message"])
        events = await self._events(tx, key, [row["id"] for row in rows if row["what"] == "event"])
        if any(row["what"] == "opened" for row in rows):
            events[key[1]] = await self._opened(tx, key)
        return [
            Entry(
                at=row["at"],
                entry=row["entry"],
                ticket_id=row["ticket_id"],
                entry_id=row["id"],
                message=messages.get(row["id"]),
                event=events.get(row["id"]),
            )
            for row in rows
        ]

    async def _messages(self, tx: Tx, workspace_id: str, ids: Collection[UUID]) -> dict[UUID, ShownMessage]:
        if not ids:
            return {}
        rows = (await tx.execute(_MESSAGES, {"workspace_id": workspace_id, "ids": list(ids)})).mappings().all()
        files = await attachments_of(tx, workspace_id, ids)
        return {row["message_id"]: _message(row, files.get(row["message_id"], ())) for row in rows}

    async def _events(self, tx: Tx, key: TicketKey, ids: Collection[UUID]) -> dict[UUID, ShownEvent]:
        if not ids:
            return {}
        parameters = {"workspace_id": key[0], "ticket_id": key[1], "ids": list(ids)}
        return {
            row.event_id: ShownEvent(
                type=row.type, service=row.service, subject=row.subject, sequence=row.sequence, data=row.data
            )
            for row in await tx.execute(_EVENTS, parameters)
        }

    async def _opened(self, tx: Tx, key: TicketKey) -> ShownEvent:
        """Of the event that opened a ticket the ticket itself keeps all that is worth showing."""
        row = (await tx.execute(_OPENED, {"workspace_id": key[0], "ticket_id": key[1]})).one()
        return ShownEvent(
            type="ticket.opened",
            service="intake",
            subject=f"ticket/{row.ticket_id}",
            sequence=1,
            data={
                "ticket_id": str(row.ticket_id),
                "ticket_number": row.number,
                "channel": row.channel,
                "channel_kind": row.channel_kind,
                "opened_by": row.opened_by,
                "follow_up_of": str(row.follow_up_of) if row.follow_up_of else None,
            },
        )


def _message(row: RowMapping, attachments: Sequence[ShownAttachment]) -> ShownMessage:
    kind = MessageKind(row["kind"])
    delivery = None
    if kind is MessageKind.OUTBOUND:
        delivery = Delivery(
            state=DeliveryState(row["delivery_state"] or DeliveryState.NONE),
            attempts=row["attempts"] or 0,
            last_error=row["last_error"],
            next_attempt_at=row["next_attempt_at"],
            sent_at=row["left_at"],
            delivered_at=row["delivered_at"],
            read_at=row["read_at"],
            failed_at=row["failed_at"],
        )
    return ShownMessage(
        message_id=row["message_id"],
        ticket_id=row["ticket_id"],
        kind=kind,
        channel=row["channel"],
        channel_kind=ChannelKind(row["channel_kind"]),
        author_kind=(ActorKind if kind is MessageKind.INBOUND else AuthorKind)(row["author_kind"]),
        author_id=row["author_id"],
        author_name=row["author_name"],
        customer_id=row["customer_id"],
        is_public=row["is_public"],
        machine=MachineClass(row["machine"]),
        purpose=Purpose(row["purpose"]) if row["purpose"] else None,
        subject=row["subject"],
        text=row["text"],
        text_new=row["text_new"],
        html=row["html"],
        is_damaged=row["is_damaged"],
        disposition=Disposition(row["disposition"]) if row["disposition"] else None,
        sent_at=row["sent_at"],
        created_at=row["created_at"],
        delivery=delivery,
        delivered_to=row["delivered_to"] or (),
        attachments=attachments,
    )
