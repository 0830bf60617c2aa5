"""By what a mail is recognised that belongs to an earlier one, in PostgreSQL."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters.email import tables
from services.intake.adapters.tickets import pairs
from services.intake.app.mail_ports import NumberKey, ReferenceKey, Referred
from shared.db.sets import insert_new_set
from shared.db.unit_of_work import Tx

_FIND = text(
    "SELECT r.workspace_id, r.key, r.ticket_id, r.message_id"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:keys AS bytea[])) AS w (workspace_id, key)"
    " JOIN mail_reference r USING (workspace_id, key)"
)
_TICKETS = text(
    "SELECT t.workspace_id, t.number, t.ticket_id"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:numbers AS bigint[])) AS w (workspace_id, number)"
    " JOIN ticket t USING (workspace_id, number)"
)
_NUMBERS = text(
    "SELECT t.workspace_id, t.ticket_id, t.number"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id)"
)
_CHANNELS = text(
    "SELECT t.workspace_id, t.ticket_id, t.channel"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id)"
)
_ADD = insert_new_set(tables.mail_reference, ("workspace_id", "key", "ticket_id", "message_id"))


class PostgresReferences:
    """Implements the port `References`."""

    async def find(self, tx: Tx, keys: Collection[ReferenceKey]) -> dict[ReferenceKey, Referred]:
        """What these references name, as far as they are known."""
        if not keys:
            return {}
        ordered = sorted(keys)
        rows = await tx.execute(
            _FIND, {"workspaces": [key[0] for key in ordered], "keys": [key[1] for key in ordered]}
        )
        return {
            (row.workspace_id, row.key): Referred(ticket_id=row.ticket_id, message_id=row.message_id)
            for row in rows
        }

    async def tickets(self, tx: Tx, numbers: Collection[NumberKey]) -> dict[NumberKey, UUID]:
        """Tickets by their number."""
        if not numbers:
            return {}
        ordered = sorted(numbers)
        rows = await tx.execute(
            _TICKETS, {"workspaces": [key[0] for key in ordered], "numbers": [key[1] for key in ordered]}
        )
        return {(row.workspace_id, row.number): row.ticket_id for row in rows}

    async def numbers(self, tx: Tx, tickets: Collection[tuple[str, UUID]]) -> dict[tuple[str, UUID], int]:
        """The numbers of tickets."""
        rows = await tx.execute(_NUMBERS, pairs(tickets))
        return {(row.workspace_id, row.ticket_id): row.number for row in rows}

    async def channels(self, tx: Tx, tickets: Collection[tuple[str, UUID]]) -> dict[tuple[str, UUID], str]:
        """The channels of tickets."""
        rows = await tx.execute(_CHANNELS, pairs(tickets))
        return {(row.workspace_id, row.ticket_id): row.channel for row in rows}

    async def add(self, tx: Tx, references: Mapping[ReferenceKey, Referred]) -> None:
        """Keeps new references; one that is known stays as it is."""
        if not references:
            return
        ordered = sorted(references)
        await tx.execute(
            _ADD,
            {
                "workspace_id": [key[0] for key in ordered],
                "key": [key[1] for key in ordered],
                "ticket_id": [references[key].ticket_id for key in ordered],
                "message_id": [references[key].message_id for key in ordered],
            },
        )
