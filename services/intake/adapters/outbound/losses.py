"""What is lost shows on its ticket: an entry of the timeline, by which its stream is woken."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters.tickets import pairs
from services.intake.adapters.watching import TicketWatch
from services.intake.app.ports import TicketKey
from services.intake.domain.progress import Progress
from shared.db.unit_of_work import Tx
from shared.ids import IdFactory

EVENT = "message.delivery_failed"
"""Of the timeline only: topics say nothing of deliveries."""

_LOCK = text(
    "SELECT 1 FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, ticket_id)"
    " JOIN ticket t USING (workspace_id, ticket_id) ORDER BY t.workspace_id, t.ticket_id FOR UPDATE OF t"
)
_TELL = text(
    "WITH lost AS (SELECT w.*,"
    " row_number() OVER (PARTITION BY w.workspace_id, w.ticket_id ORDER BY w.event_id) AS n"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:tickets AS uuid[]), CAST(:events AS uuid[]),"
    " CAST(:subjects AS text[]), CAST(:data AS text[])) AS w (workspace_id, ticket_id, event_id, subject, data)),"
    " counted AS (UPDATE ticket t SET entries = t.entries + c.times"
    " FROM (SELECT workspace_id, ticket_id, count(*) AS times FROM lost GROUP BY 1, 2) c"
    " WHERE t.workspace_id = c.workspace_id AND t.ticket_id = c.ticket_id"
    " RETURNING t.workspace_id, t.ticket_id, t.entries - c.times AS entries)"
    " INSERT INTO ticket_event"
    " (workspace_id, ticket_id, event_id, entry, at, service, type, subject, sequence, data)"
    " SELECT lost.workspace_id, lost.ticket_id, lost.event_id, counted.entries + lost.n, :now, 'intake', :type,"
    " lost.subject, 0, CAST(lost.data AS jsonb) FROM lost JOIN counted USING (workspace_id, ticket_id)"
)


@dataclass(frozen=True, slots=True)
class Loss:
    """A message that will not arrive."""

    workspace_id: str
    ticket_id: UUID
    message_id: UUID
    channel: str
    progress: Progress


class Losses:
    """Tells tickets."""

    def __init__(self, watch: TicketWatch, ids: IdFactory) -> None:
        self._watch = watch
        self._ids = ids

    async def lock(self, tx: Tx, tickets: Collection[TicketKey]) -> None:
        """Locks tickets before the deliveries that may be lost: the order that everybody keeps."""
        if tickets:
            await tx.execute(_LOCK, pairs(tickets))

    async def tell(self, tx: Tx, losses: Sequence[Loss]) -> None:
        """Adds to the timelines of tickets that are locked; whoever watches them is woken."""
        await tx.execute(
            _TELL,
            {
                "workspaces": [loss.workspace_id for loss in losses],
                "tickets": [loss.ticket_id for loss in losses],
                "events": [self._ids.new() for _ in losses],
                "subjects": [f"message/{loss.message_id}" for loss in losses],
                "data": [json.dumps(_data(loss)) for loss in losses],
                "now": await tx.now(),
                "type": EVENT,
            },
        )
        await self._watch.touched(tx, sorted({loss.ticket_id for loss in losses}))


def _data(loss: Loss) -> dict[str, str | None]:
    return {
        "message_id": str(loss.message_id),
        "channel": loss.channel,
        "state": loss.progress.state.value,
        "reason": loss.progress.reason,
    }
