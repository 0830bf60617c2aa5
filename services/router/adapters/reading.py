"""What is read for the API: rows, so that every process can answer."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import RowMapping, select, text

from services.router.adapters import tables
from services.router.adapters.rows import WORK_DECISIONS
from services.router.app.preview_policy import Sample
from services.router.domain import decision as d
from services.router.domain.facts import Facts
from services.router.domain.wait_estimate import Handled
from shared.db.unit_of_work import Tx
from shared.errors import NotFound
from shared.vocabulary import AgentState

_FACTS = TypeAdapter(Facts)
_NEWEST_TICKETS = text(
    "SELECT t.ticket_id, t.facts, (SELECT w.queued_at FROM work_item w WHERE w.workspace_id = t.workspace_id"
    " AND w.ticket_id = t.ticket_id ORDER BY w.queued_at LIMIT 1) AS queued_at FROM ticket t"
    " WHERE t.workspace_id = :workspace AND t.facts IS NOT NULL"
    " AND (CAST(:before AS uuid) IS NULL OR t.ticket_id < :before) ORDER BY t.ticket_id DESC LIMIT :most"
)
_OFFERED = (
    "SELECT o.offer_id, o.work_id, o.ticket_id, o.agent_id, o.state, o.offered_at, o.expires_at, w.queue,"
    " w.support_tier, w.priority, w.channel, w.channel_kind, w.sequence AS version"
    " FROM offer o JOIN work_item w ON w.workspace_id = o.workspace_id AND w.work_id = o.work_id"
    " WHERE o.workspace_id = :workspace"
)
_OFFERS = text(f"{_OFFERED} AND o.agent_id = :agent AND o.state = 'pending' ORDER BY o.offered_at, o.offer_id")
_OFFER = text(f"{_OFFERED} AND o.offer_id = :offer")
_WORK = text(
    "SELECT *, sequence AS version FROM work_item WHERE workspace_id = :workspace AND agent_id = :agent"
    " AND state IN ('queued', 'offered', 'assigned', 'wrapping') ORDER BY assigned_at, work_id"
)
_WORK_OF = text(
    "SELECT *, sequence AS version FROM work_item WHERE workspace_id = :workspace AND ticket_id = :ticket"
    " ORDER BY queued_at DESC, work_id DESC LIMIT 1"
)
_DECISIONS = text(
    "SELECT id, decided_at, work_id, kind, record FROM decision"
    " WHERE workspace_id = :workspace AND ticket_id = :ticket AND id > :after ORDER BY id LIMIT :most"
)
_OLDEST = text(
    "SELECT queue, (SELECT stint_at FROM work_item w WHERE w.workspace_id = :workspace AND w.queue = asked.queue"
    " AND w.state = 'queued' ORDER BY stint_at LIMIT 1) AS oldest_at"
    " FROM unnest(CAST(:queues AS text[])) AS asked (queue)"
)
"""The first entry of an index for each queue, however many wait there."""
_HANDLING = text(
    "SELECT queue, avg(seconds) AS mean_s, stddev_samp(seconds) AS deviation_s, count(*) AS n FROM"
    " (SELECT queue, extract(epoch FROM ended_at - assigned_at) AS seconds FROM work_item"
    " WHERE workspace_id = :workspace AND state = 'completed' AND ended_at > clock_timestamp() - interval '1 day'"
    " ORDER BY ended_at DESC LIMIT 500) recent GROUP BY queue"
)


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision as it was recorded."""

    decision_id: int
    decided_at: datetime
    work_id: UUID | None
    kind: str
    record: dict[str, object]
    decision: d.Decision


async def offers(tx: Tx, workspace_id: str, agent_id: str) -> Sequence[RowMapping]:
    """An agent's pending offers, the oldest first."""
    return (await tx.execute(_OFFERS, {"workspace": workspace_id, "agent": agent_id})).mappings().all()


async def offer(tx: Tx, workspace_id: str, offer_id: UUID) -> RowMapping:
    """An offer, be it pending or over. Raises NotFound."""
    row = (await tx.execute(_OFFER, {"workspace": workspace_id, "offer": offer_id})).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such offer.")
    return row


async def work(tx: Tx, workspace_id: str, agent_id: str) -> Sequence[RowMapping]:
    """What an agent has in hand, the oldest first."""
    return (await tx.execute(_WORK, {"workspace": workspace_id, "agent": agent_id})).mappings().all()


async def work_of(tx: Tx, workspace_id: str, ticket_id: UUID) -> RowMapping:
    """A ticket's last work item, be it live or ended. Raises NotFound."""
    row = (await tx.execute(_WORK_OF, {"workspace": workspace_id, "ticket": ticket_id})).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no work on this ticket.")
    return row


async def presence(tx: Tx, workspace_id: str, agent_id: str) -> tuple[AgentState, str | None]:
    """What an agent is, and why. Raises NotFound."""
    t = tables.agent.c
    query = select(t.state, t.reason).where(t.workspace_id == workspace_id, t.agent_id == agent_id, ~t.is_removed)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFound("There is no such agent.")
    return AgentState(row.state), row.reason


async def oldest(tx: Tx, workspace_id: str, queues: Collection[str]) -> dict[str, datetime]:
    """Since when what waits longest in each of these queues has waited; a queue where nothing does is missing."""
    rows = await tx.execute(_OLDEST, {"workspace": workspace_id, "queues": list(queues)})
    return {row.queue: row.oldest_at for row in rows if row.oldest_at is not None}


async def decisions(tx: Tx, workspace_id: str, ticket_id: UUID, *, after: int, most: int) -> list[DecisionRow]:
    """The decisions about a ticket's work, the oldest first."""
    rows = await tx.execute(
        _DECISIONS, {"workspace": workspace_id, "ticket": ticket_id, "after": after, "most": most}
    )
    return [
        DecisionRow(
            row.id,
            row.decided_at,
            row.work_id,
            row.kind,
            row.record,
            WORK_DECISIONS[row.kind].validate_python(row.record),
        )
        for row in rows
    ]


async def knows_ticket(tx: Tx, workspace_id: str, ticket_id: UUID) -> bool:
    """Whether the router has heard of a ticket."""
    t = tables.ticket.c
    query = select(t.ticket_id).where(t.workspace_id == workspace_id, t.ticket_id == ticket_id)
    return (await tx.execute(query)).first() is not None


async def handling_times(tx: Tx, workspace_id: str) -> dict[str, Handled]:
    """How long the last day's work took from assigned to completed, by queue: of the 500 items completed last."""
    rows = await tx.execute(_HANDLING, {"workspace": workspace_id})
    return {
        row.queue: Handled(
            count=row.n,
            mean_s=float(row.mean_s),
            deviation_s=None if row.deviation_s is None else float(row.deviation_s),
        )
        for row in rows
    }


async def newest_tickets(tx: Tx, workspace_id: str, *, before: UUID | None, most: int) -> list[Sample]:
    """The tickets that were made last, of those made before another one: ids rise with time."""
    names = {"workspace": workspace_id, "before": before, "most": most}
    return [
        Sample(ticket_id=row.ticket_id, facts=_FACTS.validate_python(row.facts), at=row.queued_at)
        for row in await tx.execute(_NEWEST_TICKETS, names)
    ]
