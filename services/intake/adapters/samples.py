"""Requests that opened tickets, in PostgreSQL."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters.customers import to_customer
from services.intake.adapters.messages import to_sender
from services.intake.adapters.tickets import to_ticket
from services.intake.app.preview_rules import Sample
from services.intake.domain.classification import Described
from shared.db.unit_of_work import Tx
from shared.vocabulary import ChannelKind, MachineClass

_END = datetime(9999, 1, 1, tzinfo=UTC), UUID(int=0)

_NEWEST = text(
    "SELECT m.message_id, m.created_at, m.ticket_id, m.channel, m.channel_kind, m.subject, m.text_new,"
    " m.author_id, m.author_name, m.author_identity, m.author_is_verified, m.machine, m.customer_id,"
    " EXISTS (SELECT 1 FROM ticket o, ticket t"
    " WHERE t.workspace_id = m.workspace_id AND t.ticket_id = m.ticket_id AND o.workspace_id = m.workspace_id"
    " AND o.customer_id = m.customer_id AND o.number < t.number) AS is_known FROM message m"
    " WHERE m.workspace_id = :workspace_id AND m.disposition = 'opened' AND (m.created_at, m.message_id) <"
    " (:at, :message_id) ORDER BY m.created_at DESC, m.message_id DESC LIMIT :most"
)
_TICKETS = text(
    "SELECT t.* FROM unnest(CAST(:ids AS uuid[])) AS w (ticket_id)"
    " JOIN ticket t ON t.workspace_id = :workspace_id AND t.ticket_id = w.ticket_id"
)
_CUSTOMERS = text(
    "SELECT c.* FROM unnest(CAST(:ids AS uuid[])) AS w (customer_id)"
    " JOIN customer c ON c.workspace_id = :workspace_id AND c.customer_id = w.customer_id"
)


class PostgresSamples:
    """Implements the port `Samples`."""

    async def newest(
        self, tx: Tx, workspace_id: str, before: tuple[datetime, UUID] | None, most: int
    ) -> list[Sample]:
        """The newest, of those before this moment and message."""
        at, message_id = before or _END
        rows = (
            await tx.execute(
                _NEWEST, {"workspace_id": workspace_id, "at": at, "message_id": message_id, "most": most}
            )
        ).all()
        named = {"workspace_id": workspace_id}
        found = await tx.execute(_TICKETS, {**named, "ids": list({row.ticket_id for row in rows})})
        tickets = {row["ticket_id"]: to_ticket(row) for row in found.mappings()}
        found = await tx.execute(_CUSTOMERS, {**named, "ids": list({row.customer_id for row in rows})})
        customers = {row["customer_id"]: to_customer(row) for row in found.mappings()}
        return [
            Sample(
                message_id=row.message_id,
                created_at=row.created_at,
                ticket=tickets[row.ticket_id],
                customer=customers[row.customer_id],
                request=Described(
                    subject=row.subject or "",
                    text=row.text_new,
                    channel=row.channel,
                    channel_kind=ChannelKind(row.channel_kind),
                    language="",
                    sender=to_sender(row),
                    is_known=row.is_known,
                    is_machine=row.machine != MachineClass.NONE,
                ),
            )
            for row in rows
        ]
