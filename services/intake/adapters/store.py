"""Tickets, messages and customers in PostgreSQL: a statement a table, however many rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import RowMapping, text

from services.intake.adapters import tables
from services.intake.app.ports import (
    DedupeKey,
    IdentityKey,
    Receipt,
    StoredMessage,
    TicketKey,
)
from services.intake.domain.customer import Customer
from services.intake.domain.message import Disposition
from services.intake.domain.ticket import Ticket
from shared.db.engine import Collision
from shared.db.sets import insert_new_set, insert_set, transposed, upsert_set
from shared.db.unit_of_work import Tx
from shared.vocabulary import ActorKind, ChannelKind, Priority, TicketStatus

_CUSTOMER = ("workspace_id", "customer_id", "name", "tier", "language", "time_zone", "organisation_id", "version")
_IDENTITY = ("workspace_id", "kind", "value", "customer_id")
_TICKET = tuple(column.name for column in tables.ticket.columns)
_MESSAGE = tuple(column.name for column in tables.message.columns)

_ADD_CUSTOMERS = insert_set(tables.customer, _CUSTOMER)
_ADD_IDENTITIES = insert_new_set(tables.identity, _IDENTITY).returning(tables.identity.c.customer_id)
_SAVE_TICKETS = upsert_set(tables.ticket, _TICKET)
_ADD_MESSAGES = insert_set(tables.message, _MESSAGE)

_RECEIPTS = text(
    "SELECT m.workspace_id, m.channel, m.dedupe_key, m.message_id, m.ticket_id, t.number"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]), CAST(:keys AS text[]))"
    " AS w (workspace_id, channel, dedupe_key) JOIN message m USING (workspace_id, channel, dedupe_key)"
    " JOIN ticket t ON t.workspace_id = m.workspace_id AND t.ticket_id = m.ticket_id"
)
_LOCK_IDENTITIES = text(
    "SELECT i.workspace_id, i.kind, i.value, i.customer_id"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:kinds AS text[]), CAST(:values AS text[]))"
    " AS w (workspace_id, kind, value) JOIN identity i USING (workspace_id, kind, value)"
    " ORDER BY i.workspace_id, i.kind, i.value FOR UPDATE OF i"
)
_CUSTOMERS = text(
    "SELECT c.* FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, customer_id)"
    " JOIN customer c USING (workspace_id, customer_id)"
)
_SURVIVORS = text(
    "WITH RECURSIVE chain AS (SELECT w.workspace_id, w.ticket_id AS asked, t.ticket_id, t.merged_into"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id)"
    " UNION SELECT c.workspace_id, c.asked, t.ticket_id, t.merged_into"
    " FROM chain c JOIN ticket t ON t.workspace_id = c.workspace_id AND t.ticket_id = c.merged_into)"
    " SELECT workspace_id, asked, ticket_id FROM chain WHERE merged_into IS NULL"
)
_LOCK_TICKETS = text(
    "SELECT t.* FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id) ORDER BY t.workspace_id, t.ticket_id FOR UPDATE OF t"
)
_TAKE_NUMBERS = text(
    "INSERT INTO ticket_number AS n (workspace_id, last)"
    " SELECT * FROM unnest(CAST(:workspaces AS text[]), CAST(:counts AS bigint[]))"
    " ON CONFLICT (workspace_id) DO UPDATE SET last = n.last + excluded.last RETURNING n.workspace_id, n.last"
)


class PostgresConversations:
    """Implements the port `Conversations`."""

    async def receipts(self, tx: Tx, keys: Collection[DedupeKey]) -> dict[DedupeKey, Receipt]:
        """What became of messages that were received before."""
        if not keys:
            return {}
        workspaces, channels, dedupe_keys = map(list, zip(*keys, strict=True))
        rows = await tx.execute(_RECEIPTS, {"workspaces": workspaces, "channels": channels, "keys": dedupe_keys})
        return {
            (row.workspace_id, row.channel, row.dedupe_key): Receipt(
                ticket_id=row.ticket_id,
                ticket_number=row.number,
                message_id=row.message_id,
                disposition=Disposition.DUPLICATE,
            )
            for row in rows
        }

    async def lock_customers(self, tx: Tx, keys: Collection[IdentityKey]) -> dict[IdentityKey, Customer]:
        """The customers behind identities that are known; the identities stay locked."""
        if not keys:
            return {}
        ordered = sorted(keys, key=lambda key: (key[0], key[1].kind, key[1].value))
        rows = await tx.execute(
            _LOCK_IDENTITIES,
            {
                "workspaces": [key[0] for key in ordered],
                "kinds": [key[1].kind.value for key in ordered],
                "values": [key[1].value for key in ordered],
            },
        )
        found = {(row.workspace_id, row.kind, row.value): row.customer_id for row in rows}
        customers = await self._customers(tx, {(name[0], customer_id) for name, customer_id in found.items()})
        return {
            key: customers[key[0], found[name]]
            for key in ordered
            if (name := (key[0], key[1].kind.value, key[1].value)) in found
        }

    async def lock_tickets(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Ticket]:
        """Tickets by the id that was asked for, locked; a merged one is followed to where it went."""
        if not keys:
            return {}
        survivors = {
            (row.workspace_id, row.asked): (row.workspace_id, row.ticket_id)
            for row in await tx.execute(_SURVIVORS, _pairs(keys))
        }
        if not survivors:
            return {}
        rows = (await tx.execute(_LOCK_TICKETS, _pairs(set(survivors.values())))).mappings()
        tickets = {(row["workspace_id"], row["ticket_id"]): to_ticket(row) for row in rows}
        if any(ticket.merged_into for ticket in tickets.values()):
            raise Collision("a ticket was merged meanwhile")
        return {asked: tickets[key] for asked, key in survivors.items()}

    async def take_numbers(self, tx: Tx, counts: Mapping[str, int]) -> dict[str, int]:
        """The first of so many ticket numbers, by workspace."""
        if not counts:
            return {}
        ordered = sorted(counts)
        rows = await tx.execute(
            _TAKE_NUMBERS, {"workspaces": ordered, "counts": [counts[workspace_id] for workspace_id in ordered]}
        )
        return {row.workspace_id: row.last - counts[row.workspace_id] + 1 for row in rows}

    async def add_customers(self, tx: Tx, customers: Mapping[IdentityKey | UUID, Customer]) -> None:
        """New customers with the identities that point to them.

        Raises Collision where somebody else was faster with an identity.
        """
        if not customers:
            return
        await tx.execute(_ADD_CUSTOMERS, transposed((asdict(item) for item in customers.values()), _CUSTOMER))
        named = sorted(
            (
                (key[0], key[1].kind.value, key[1].value, customer.customer_id)
                for key, customer in customers.items()
                if isinstance(key, tuple)
            ),
        )
        if not named:
            return
        rows = [dict(zip(_IDENTITY, values, strict=True)) for values in named]
        added = (await tx.execute(_ADD_IDENTITIES, transposed(rows, _IDENTITY))).all()
        if len(added) != len(named):
            raise Collision("somebody else was faster with an identity")

    async def save_tickets(self, tx: Tx, tickets: Sequence[Ticket]) -> None:
        """New and changed tickets."""
        if tickets:
            ordered = sorted(tickets, key=lambda ticket: (ticket.workspace_id, ticket.ticket_id))
            await tx.execute(_SAVE_TICKETS, transposed(map(_to_row, ordered), _TICKET))

    async def add_messages(self, tx: Tx, messages: Sequence[StoredMessage]) -> None:
        """New inbound messages."""
        if messages:
            await tx.execute(_ADD_MESSAGES, transposed(map(_message_row, messages), _MESSAGE))

    async def _customers(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Customer]:
        if not keys:
            return {}
        rows = (await tx.execute(_CUSTOMERS, _pairs(keys))).mappings()
        return {(row["workspace_id"], row["customer_id"]): to_customer(row) for row in rows}


def to_ticket(row: RowMapping) -> Ticket:
    """A ticket of a row."""
    fields = dict(row)
    return Ticket(
        **{
            **fields,
            "status": TicketStatus(fields["status"]),
            "priority": Priority(fields["priority"]),
            "channel_kind": ChannelKind(fields["channel_kind"]),
            "opened_by": ActorKind(fields["opened_by"]),
        }
    )


def to_customer(row: RowMapping) -> Customer:
    """A customer of a row."""
    return Customer(**{name: row[name] for name in _CUSTOMER})


def _to_row(ticket: Ticket) -> dict[str, object]:
    return {name: getattr(ticket, name) for name in _TICKET}


def _message_row(stored: StoredMessage) -> dict[str, object]:
    message = stored.message
    identity = message.sender.identity
    return {
        "workspace_id": message.workspace_id,
        "message_id": message.message_id,
        "ticket_id": stored.ticket_id,
        "kind": "inbound",
        "channel": message.channel,
        "channel_kind": stored.channel_kind,
        "author_kind": ActorKind.CUSTOMER,
        "author_id": identity.value if identity else None,
        "author_name": message.sender.name,
        "is_public": stored.is_public,
        "machine": message.machine,
        "text": message.text,
        "text_new": message.text_new,
        "html": message.html,
        "dedupe_key": message.dedupe_key,
        "disposition": stored.disposition,
        "sent_at": message.sent_at,
        "created_at": stored.received_at,
    }


def _pairs(keys: Collection[TicketKey]) -> dict[str, object]:
    ordered = sorted(keys)
    return {"workspaces": [key[0] for key in ordered], "ids": [key[1] for key in ordered]}
