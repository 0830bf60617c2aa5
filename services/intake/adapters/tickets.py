"""Tickets and their timelines in PostgreSQL: a statement a table, however many rows."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import RowMapping, TextClause, text

from services.intake.adapters import tables
from services.intake.adapters.watching import TicketWatch
from services.intake.app.ports import TicketKey, Told
from services.intake.domain.conversation import Located
from services.intake.domain.ticket import Ticket
from shared.db.engine import Collision
from shared.db.sets import insert_new_set, insert_set, transposed, upsert_set
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of
from shared.events.contract import Contract
from shared.vocabulary import ActorKind, ChannelKind, Priority, TicketStatus

_TICKET = tuple(column.name for column in tables.ticket.columns)
_FIELDS = tuple(name for name in _TICKET if name != "shard")
_EVENT = tuple(column.name for column in tables.ticket_event.columns)

_ADD_TICKETS = insert_set(tables.ticket, _TICKET)
_SAVE_TICKETS = upsert_set(tables.ticket, _TICKET)
_ADD_EVENTS = insert_new_set(tables.ticket_event, _EVENT)
_LOCATE = text(
    "WITH RECURSIVE chain AS ("
    "SELECT w.workspace_id, w.ticket_id AS asked, t.customer_id, t.ticket_id, t.merged_into"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id)"
    " UNION SELECT c.workspace_id, c.asked, c.customer_id, t.ticket_id, t.merged_into"
    " FROM chain c JOIN ticket t ON t.workspace_id = c.workspace_id AND t.ticket_id = c.merged_into)"
    " SELECT workspace_id, asked, customer_id, ticket_id FROM chain WHERE merged_into IS NULL"
)
# What was solved or closed goes on in what follows it; UNION ends in circles, which merging can make.
_LINES = text(
    "WITH RECURSIVE line AS ("
    "SELECT w.workspace_id, w.ticket_id AS asked, t.customer_id, t.ticket_id, t.merged_into, t.status, t.number"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id)"
    " UNION SELECT l.workspace_id, l.asked, l.customer_id, n.ticket_id, n.merged_into, n.status, n.number"
    " FROM line l CROSS JOIN LATERAL ("
    "SELECT m.ticket_id, m.merged_into, m.status, m.number FROM ticket m"
    " WHERE m.workspace_id = l.workspace_id AND m.ticket_id = l.merged_into"
    " UNION ALL SELECT f.ticket_id, f.merged_into, f.status, f.number FROM ticket f"
    " WHERE l.merged_into IS NULL AND l.status IN ('solved', 'closed')"
    " AND f.workspace_id = l.workspace_id AND f.follow_up_of = l.ticket_id) AS n)"
    " SELECT DISTINCT ON (workspace_id, asked) workspace_id, asked, customer_id, ticket_id FROM line"
    " WHERE merged_into IS NULL"
    " ORDER BY workspace_id, asked, array_position(ARRAY['closed', 'solved'], status) DESC, number DESC"
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


class PostgresTickets:
    """Implements the port `Tickets`."""

    def __init__(self, shards: int, watch: TicketWatch) -> None:
        self._shards = shards
        self._watch = watch

    async def locate(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Located]:
        """Locks tickets by the id that was asked for; a merged one is followed to where it went."""
        return await self._located(tx, keys, _LOCATE)

    async def lines(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Located]:
        """As `locate`, and one that is solved or closed is followed to the tickets that go on with it.

        Of those an unsolved one is found before a solved one, and the newest before the others.
        """
        found = await self._located(tx, keys, _LINES)
        ended = [key for key, one in found.items() if not one.ticket.status.is_unsolved]
        if ended:
            # Whoever opened a follow-up held this lock: it can be seen only now.
            rows = await tx.execute(_LINES, pairs(ended))
            if any(found[row.workspace_id, row.asked].ticket.ticket_id != row.ticket_id for row in rows):
                raise Collision("a ticket was followed meanwhile")
        return found

    async def _located(
        self, tx: Tx, keys: Collection[TicketKey], statement: TextClause
    ) -> dict[TicketKey, Located]:
        if not keys:
            return {}
        rows = (await tx.execute(statement, pairs(keys))).all()
        tickets = await self.lock_tickets(tx, {(row.workspace_id, row.ticket_id) for row in rows})
        if any(ticket.merged_into for ticket in tickets.values()):
            raise Collision("a ticket was merged meanwhile")
        return {
            (row.workspace_id, row.asked): Located(tickets[row.workspace_id, row.ticket_id], row.customer_id)
            for row in rows
        }

    async def lock_tickets(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Ticket]:
        """Locks just these tickets."""
        if not keys:
            return {}
        rows = (await tx.execute(_LOCK_TICKETS, pairs(keys))).mappings()
        return {(row["workspace_id"], row["ticket_id"]): to_ticket(row) for row in rows}

    async def take_numbers(self, tx: Tx, counts: Mapping[str, int]) -> dict[str, int]:
        """The first of so many ticket numbers, by workspace."""
        if not counts:
            return {}
        ordered = sorted(counts)
        rows = await tx.execute(
            _TAKE_NUMBERS, {"workspaces": ordered, "counts": [counts[workspace_id] for workspace_id in ordered]}
        )
        return {row.workspace_id: row.last - counts[row.workspace_id] + 1 for row in rows}

    async def add_tickets(self, tx: Tx, tickets: Sequence[Ticket]) -> None:
        """New tickets."""
        if tickets:
            await tx.execute(_ADD_TICKETS, self._rows(tickets))

    async def save_tickets(self, tx: Tx, tickets: Sequence[Ticket]) -> None:
        """Changed tickets; whoever watches them is woken."""
        if tickets:
            await tx.execute(_SAVE_TICKETS, self._rows(tickets))
            await self._watch.touched(tx, [ticket.ticket_id for ticket in tickets])

    async def add_told(self, tx: Tx, told: Sequence[Told]) -> None:
        """Events, for the timelines of tickets. One that stands there already stays."""
        if told:
            await tx.execute(_ADD_EVENTS, transposed(map(_event_row, told), _EVENT))

    def _rows(self, tickets: Sequence[Ticket]) -> dict[str, list[object]]:
        ordered = sorted(tickets, key=lambda ticket: (ticket.workspace_id, ticket.ticket_id))
        columns: dict[str, list[object]] = {
            name: [getattr(ticket, name) for ticket in ordered] for name in _FIELDS
        }
        columns["shard"] = [shard_of(ticket.workspace_id, self._shards) for ticket in ordered]
        return columns


def to_ticket(row: RowMapping) -> Ticket:
    """A ticket of a row."""
    fields = {name: row[name] for name in _FIELDS}
    fields["status"] = TicketStatus(row["status"])
    fields["priority"] = Priority(row["priority"])
    fields["channel_kind"] = ChannelKind(row["channel_kind"])
    fields["opened_by"] = ActorKind(row["opened_by"])
    return Ticket(**fields)


def pairs(keys: Collection[tuple[str, object]]) -> dict[str, object]:
    """Keys as a list of workspaces and one of ids, in their order."""
    ordered = sorted(keys, key=lambda key: (key[0], str(key[1])))
    return {"workspaces": [key[0] for key in ordered], "ids": [key[1] for key in ordered]}


def _event_row(told: Told) -> dict[str, object]:
    event = told.event
    assert isinstance(event.data, Contract), "a timeline keeps what the catalog knows"
    return {
        "workspace_id": event.workspace_id,
        "ticket_id": told.ticket_id,
        "event_id": event.id,
        "entry": told.entry,
        "at": event.time,
        "service": event.source.rpartition("/")[2],
        "type": event.data.name,
        "subject": event.subject,
        "sequence": event.sequence,
        "data": event.data.model_dump(mode="json"),
    }
