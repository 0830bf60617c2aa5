"""What happens to a ticket's messages beside the topics: entries of its timeline, by which its stream is woken."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters.tickets import pairs
from services.intake.adapters.watching import TicketWatch
from services.intake.app.ports import TicketKey
from shared.db.unit_of_work import Tx
from shared.ids import IdFactory

_LOCK = text(
    "SELECT 1 FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id) ORDER BY t.workspace_id, t.ticket_id FOR UPDATE OF t"
)
_TELL = text(
    "WITH happened AS (SELECT w.*,"
    " row_number() OVER (PARTITION BY w.workspace_id, w.ticket_id ORDER BY w.event_id) AS n"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:tickets AS uuid[]), CAST(:events AS uuid[]),"
    " CAST(:types AS text[]), CAST(:subjects AS text[]), CAST(:data AS text[]))"
    " AS w (workspace_id, ticket_id, event_id, type, subject, data)),"
    " counted AS (UPDATE ticket t SET entries = t.entries + c.times"
    " FROM (SELECT workspace_id, ticket_id, count(*) AS times FROM happened GROUP BY 1, 2) c"
    " WHERE t.workspace_id = c.workspace_id AND t.ticket_id = c.ticket_id"
    " RETURNING t.workspace_id, t.ticket_id, t.entries - c.times AS entries)"
    " INSERT INTO ticket_event"
    " (workspace_id, ticket_id, event_id, entry, at, service, type, subject, sequence, data)"
    " SELECT h.workspace_id, h.ticket_id, h.event_id, counted.entries + h.n, :now, 'intake', h.type,"
    " h.subject, 0, CAST(h.data AS jsonb) FROM happened h JOIN counted USING (workspace_id, ticket_id)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened to a message.

    data: what is told, beside which message: ids and words of ours, as it outlives whom the ticket is about
    """

    ticket: TicketKey
    message_id: UUID
    type: str
    data: Mapping[str, str]


class Happenings:
    """Tells tickets."""

    def __init__(self, watch: TicketWatch, ids: IdFactory) -> None:
        self._watch = watch
        self._ids = ids

    async def lock(self, tx: Tx, tickets: Collection[TicketKey]) -> None:
        """Locks tickets before what happens to their messages: the order that everybody keeps."""
        if tickets:
            await tx.execute(_LOCK, pairs(tickets))

    async def tell(self, tx: Tx, happenings: Sequence[Happening]) -> None:
        """Adds to the timelines of tickets that are locked; whoever watches them is woken."""
        await tx.execute(
            _TELL,
            {
                "workspaces": [one.ticket[0] for one in happenings],
                "tickets": [one.ticket[1] for one in happenings],
                "events": [self._ids.new() for _ in happenings],
                "types": [one.type for one in happenings],
                "subjects": [f"message/{one.message_id}" for one in happenings],
                "data": [json.dumps({"message_id": str(one.message_id), **one.data}) for one in happenings],
                "now": await tx.now(),
            },
        )
        await self._watch.touched(tx, sorted({one.ticket[1] for one in happenings}))
