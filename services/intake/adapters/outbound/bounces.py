"""What servers tell about mail that they took from us, in PostgreSQL."""

from collections.abc import Sequence

from sqlalchemy import Row, text

from services.intake.app.mail_ports import Bounce
from services.intake.app.ports import TicketKey
from shared.db.unit_of_work import Tx

_TICKETS = text(
    "SELECT DISTINCT d.workspace_id, d.ticket_id"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, message_id)"
    " JOIN delivery d USING (workspace_id, message_id)"
)
# What was erased has neither its provider's id nor a way to go.
_BOUNCE = text(
    "UPDATE delivery d SET last_error = w.detail,"
    " state = CASE WHEN w.is_final AND d.state <> 'failed' THEN 'bounced' ELSE d.state END,"
    " failed_at = CASE WHEN w.is_final THEN COALESCE(d.failed_at, :now) ELSE d.failed_at END"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[]), CAST(:finals AS boolean[]),"
    " CAST(:details AS text[])) AS w (workspace_id, message_id, is_final, detail)"
    " WHERE d.workspace_id = w.workspace_id AND d.message_id = w.message_id"
    " AND (d.provider_id IS NOT NULL OR d.state = 'queued')"
    " RETURNING d.workspace_id, d.ticket_id, d.message_id, d.channel, d.state, old.state AS before"
)


async def tickets_of(tx: Tx, bounces: Sequence[Bounce]) -> list[TicketKey]:
    """The tickets of the messages that these are about."""
    keys = sorted({(bounce.workspace_id, bounce.message_id) for bounce in bounces})
    named = {"workspaces": [key[0] for key in keys], "ids": [key[1] for key in keys]}
    return [(row.workspace_id, row.ticket_id) for row in await tx.execute(_TICKETS, named)]


async def save(tx: Tx, bounces: Sequence[Bounce]) -> Sequence[Row[tuple[object, ...]]]:
    """Keeps what is told; a message is marked only where it will not arrive. Each with its state before.

    Of several about one message the last word counts, but nothing outweighs that it will not arrive.
    """
    told = {(one.workspace_id, one.message_id): one for one in sorted(bounces, key=lambda one: one.is_final)}
    ordered = sorted(told)
    rows = await tx.execute(
        _BOUNCE,
        {
            "workspaces": [key[0] for key in ordered],
            "ids": [key[1] for key in ordered],
            "finals": [told[key].is_final for key in ordered],
            "details": [told[key].detail for key in ordered],
            "now": await tx.now(),
        },
    )
    return rows.all()
