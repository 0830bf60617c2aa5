"""Messages to partners in PostgreSQL: stored with the decision that they tell of, taken up until they are over."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import RowMapping, text

from services.router.adapters import tables
from services.router.app.work_orders import OrderEvent, OrderMessage
from shared.db.housekeeping import delete_portion
from shared.db.unit_of_work import Tx

PartnerKey = tuple[str, str]
"""Workspace and queue."""

CLAIM = timedelta(seconds=30)
"""An attempt whose end was never noted is made again after so long: longer than any attempt takes."""
_KEPT = timedelta(days=30)

# A message that comes again belongs to a decision that was made again: it is the same. Whoever was offered an
# order is told what becomes of it, also where the queue stands for another partner by then.
_ADD = text(
    "INSERT INTO work_order_message (workspace_id, offer_id, event, shard, ticket_id, queue, facts, state,"
    " attempts, next_attempt_at, give_up_at, created_at, url, secret)"
    " SELECT m.workspace_id, m.offer_id, m.event, w.shard, m.ticket_id, m.queue, m.facts, 'pending', 0,"
    " m.created_at, m.give_up_at, m.created_at, COALESCE(o.url, m.url), COALESCE(o.secret, m.secret)"
    " FROM unnest(CAST(:workspace_id AS text[]), CAST(:offer_id AS uuid[]), CAST(:event AS text[]),"
    " CAST(:ticket_id AS uuid[]), CAST(:queue AS text[]), CAST(:facts AS jsonb[]),"
    " CAST(:created_at AS timestamptz[]), CAST(:give_up_at AS timestamptz[]), CAST(:url AS text[]),"
    " CAST(:secret AS text[]))"
    " AS m (workspace_id, offer_id, event, ticket_id, queue, facts, created_at, give_up_at, url, secret)"
    " JOIN workspace w USING (workspace_id)"
    " LEFT JOIN work_order_message o ON o.workspace_id = m.workspace_id AND o.offer_id = m.offer_id"
    " AND o.event = 'offered' ON CONFLICT DO NOTHING"
)
# In one order, whatever plan the join gets. Whoever takes messages up waits for none of them.
_DROP = text(
    "UPDATE work_order_message t SET state = 'dropped', next_attempt_at = NULL, finished_at = ended.at,"
    " detail = 'the work order has ended'"
    " FROM (SELECT m.workspace_id, m.offer_id, m.event, e.at"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:offers AS uuid[]), CAST(:ats AS timestamptz[]))"
    " AS e (workspace_id, offer_id, at) JOIN work_order_message m USING (workspace_id, offer_id)"
    " WHERE m.state = 'pending' AND m.event <> 'ended'"
    " ORDER BY m.workspace_id, m.offer_id, m.event FOR UPDATE OF m) AS ended"
    " WHERE t.workspace_id = ended.workspace_id AND t.offer_id = ended.offer_id AND t.event = ended.event"
)
_NEXT = text(
    "SELECT min(next_attempt_at) FROM work_order_message m WHERE shard = :shard AND next_attempt_at IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM unnest(CAST(:busy_workspaces AS text[]), CAST(:busy_queues AS text[]))"
    " AS b (workspace_id, queue) WHERE b.workspace_id = m.workspace_id AND b.queue = m.queue)"
)
_TAKE = text(
    "UPDATE work_order_message t SET attempts = t.attempts + 1, next_attempt_at = CAST(:again AS timestamptz)"
    " FROM (SELECT workspace_id, offer_id, event FROM work_order_message m WHERE shard = :shard"
    " AND next_attempt_at <= CAST(:now AS timestamptz)"
    " AND NOT EXISTS (SELECT 1 FROM unnest(CAST(:busy_workspaces AS text[]), CAST(:busy_queues AS text[]))"
    " AS b (workspace_id, queue) WHERE b.workspace_id = m.workspace_id AND b.queue = m.queue)"
    " ORDER BY next_attempt_at LIMIT :most FOR UPDATE SKIP LOCKED) AS due"
    " WHERE t.workspace_id = due.workspace_id AND t.offer_id = due.offer_id AND t.event = due.event RETURNING t.*"
)
_SETTLE = text(
    "UPDATE work_order_message SET state = :state, next_attempt_at = :next_attempt_at, detail = :detail,"
    " finished_at = :finished_at WHERE workspace_id = :workspace_id AND offer_id = :offer_id AND event = :event"
    " AND state = 'pending'"
)
_ORDER = text(
    "SELECT o.offer_id, o.agent_id, o.ticket_id, o.state, o.expires_at, o.reason, w.priority, w.done_by,"
    " (w.accepted_offer_id = o.offer_id AND w.agent_id = o.agent_id AND w.state IN ('assigned', 'wrapping'))"
    " IS TRUE AS is_held,"
    " (SELECT e.facts ->> 'reason' FROM work_order_message e WHERE e.workspace_id = o.workspace_id"
    " AND e.offer_id = o.offer_id AND e.event = 'ended') AS ended_by"
    " FROM offer o JOIN work_item w ON w.workspace_id = o.workspace_id AND w.work_id = o.work_id"
    " WHERE o.workspace_id = :workspace AND o.offer_id = :offer"
)
_LIST = text(
    "SELECT offer_id, event, ticket_id, queue, state, attempts, detail, created_at, next_attempt_at, give_up_at,"
    " finished_at FROM work_order_message WHERE workspace_id = :workspace"
    " AND (CAST(:queue AS text) IS NULL OR queue = :queue) AND (CAST(:state AS text) IS NULL OR state = :state)"
    " AND (CAST(:offer AS uuid) IS NULL OR (offer_id, event) < (CAST(:offer AS uuid), CAST(:event AS text)))"
    " ORDER BY offer_id DESC, event DESC LIMIT :most"
)


class MessageState(StrEnum):
    """Where a message stands. All but pending are final."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A message whose next attempt begins now. attempts: this one included"""

    message: OrderMessage
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an attempt."""

    state: MessageState
    detail: str | None = None
    next_attempt_at: datetime | None = None
    finished_at: datetime | None = None


async def add(tx: Tx, messages: Sequence[OrderMessage]) -> None:
    """Stores messages. What was not delivered of an order that has ended is not delivered any more."""
    ended = [message for message in messages if message.event is OrderEvent.ENDED]
    await tx.execute(
        _ADD,
        {
            **{name: [getattr(message, name) for message in messages] for name in _COLUMNS},
            "facts": [json.dumps(message.facts) for message in messages],
        },
    )
    if ended:
        await tx.execute(
            _DROP,
            {
                "workspaces": [message.workspace_id for message in ended],
                "offers": [message.offer_id for message in ended],
                "ats": [message.created_at for message in ended],
            },
        )


_COLUMNS = (
    "workspace_id",
    "offer_id",
    "event",
    "ticket_id",
    "queue",
    "created_at",
    "give_up_at",
    "url",
    "secret",
)


async def take(
    tx: Tx, shard: int, *, most: int, busy: Collection[PartnerKey]
) -> tuple[Sequence[Attempt], datetime | None]:
    """Messages whose attempt begins now; or when the next one does. busy: partners that get nothing more now."""
    about = {
        "shard": shard,
        "busy_workspaces": [workspace_id for workspace_id, _ in busy],
        "busy_queues": [queue for _, queue in busy],
    }
    now = await tx.now()
    next_at: datetime | None = (await tx.execute(_NEXT, about)).scalar_one()
    if next_at is None or next_at > now or most <= 0:
        return [], next_at
    taking = {**about, "now": now, "again": now + CLAIM, "most": most}
    return [_attempt(row) for row in (await tx.execute(_TAKE, taking)).mappings()], None


async def settle(tx: Tx, message: OrderMessage, outcome: Outcome) -> None:
    """Keeps what became of an attempt, unless its order has ended meanwhile."""
    await tx.execute(
        _SETTLE,
        {
            "workspace_id": message.workspace_id,
            "offer_id": message.offer_id,
            "event": message.event,
            "state": outcome.state,
            "detail": outcome.detail,
            "next_attempt_at": outcome.next_attempt_at,
            "finished_at": outcome.finished_at,
        },
    )


async def order(tx: Tx, workspace_id: str, offer_id: UUID) -> RowMapping | None:
    """An offer with how its work stands, and why the order ended as its partner was told, if it has."""
    return (await tx.execute(_ORDER, {"workspace": workspace_id, "offer": offer_id})).mappings().one_or_none()


async def newest(
    tx: Tx,
    workspace_id: str,
    *,
    queue: str | None,
    state: MessageState | None,
    before: tuple[UUID, OrderEvent] | None,
    most: int,
) -> Sequence[RowMapping]:
    """Messages to partners, those of the newest work order first. before: the last (order, event) of a page"""
    asked = {
        "workspace": workspace_id,
        "queue": queue,
        "state": state,
        "offer": before[0] if before else None,
        "event": before[1] if before else None,
        "most": most,
    }
    return (await tx.execute(_LIST, asked)).mappings().all()


async def forget_old(tx: Tx) -> bool:
    """Deletes messages that were over a month ago: a chore of housekeeping."""
    table = tables.work_order_message
    return await delete_portion(tx, table, table.c.finished_at < await tx.now() - _KEPT)


def _attempt(row: RowMapping) -> Attempt:
    message = OrderMessage(
        workspace_id=row["workspace_id"],
        offer_id=row["offer_id"],
        event=OrderEvent(row["event"]),
        ticket_id=row["ticket_id"],
        queue=row["queue"],
        facts=row["facts"],
        created_at=row["created_at"],
        give_up_at=row["give_up_at"],
        url=row["url"],
        secret=row["secret"],
    )
    return Attempt(message=message, attempts=row["attempts"])
