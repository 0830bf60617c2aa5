"""Messages in PostgreSQL: taken up for an attempt and settled after it, whole sets at a time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from services.escalation.adapters.telling import leaving_alone, rows, tables
from services.escalation.adapters.telling.delivery import Attempted
from services.escalation.adapters.telling.leaving_alone import Addressee
from services.escalation.domain.digest import MOST_SHOWN, Count, Digest, Item
from services.escalation.domain.message import Answer, Message, settled
from services.escalation.domain.notification import NotificationState, by_the_next_way
from services.escalation.domain.recipient import Way
from shared.db.sets import insert_set, transposed
from shared.db.unit_of_work import Tx
from shared.events.catalog import shard_of
from shared.ids import IdFactory

CLAIM = timedelta(minutes=2)
"""An attempt whose end was never noted is made again after so long: longer than any attempt takes."""
LOOKED_AT = 200

MessageKey = tuple[str, UUID]
"""Workspace and message."""

_OF_KEYS = " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS k (workspace_id, message_id)"
_DUE = text(
    "SELECT workspace_id, message_id, way, address FROM message m WHERE shard = :shard"
    " AND next_attempt_at <= CAST(:now AS timestamptz)"
    " AND NOT EXISTS (SELECT 1 FROM unnest(CAST(:workspaces AS text[]), CAST(:ways AS text[]),"
    " CAST(:addresses AS text[])) AS b (workspace_id, way, address) WHERE b.workspace_id = m.workspace_id"
    " AND b.way = m.way AND b.address = m.address) ORDER BY next_attempt_at LIMIT :most"
)
_OVER = text(
    "SELECT n.workspace_id, n.notification_id, 'the escalation was '"
    " || CASE e.state WHEN 'raised' THEN 'snoozed' ELSE e.state END AS detail"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS k (workspace_id, message_id)"
    " JOIN notification n USING (workspace_id, message_id)"
    # By both columns of its key, however young the table is.
    " JOIN LATERAL (SELECT e.state, e.resumes_at FROM escalation e"
    " WHERE e.workspace_id = n.workspace_id AND e.escalation_id = n.escalation_id OFFSET 0) AS e ON true"
    " WHERE n.state = 'pending' AND n.way <> 'webhook' AND (e.state <> 'raised' OR e.resumes_at IS NOT NULL)"
)
_DROP = text(
    "UPDATE notification n SET state = 'obsolete', finished_at = :now, detail = o.detail"
    " FROM unnest(CAST(:workspace_id AS text[]), CAST(:notification_id AS uuid[]), CAST(:detail AS text[]))"
    " AS o (workspace_id, notification_id, detail)"
    " WHERE n.workspace_id = o.workspace_id AND n.notification_id = o.notification_id"
)
_END_EMPTY = text(
    "UPDATE message m SET state = 'obsolete', next_attempt_at = NULL, finished_at = :now"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS k (workspace_id, message_id)"
    " WHERE m.workspace_id = k.workspace_id AND m.message_id = k.message_id"
    " AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.workspace_id = m.workspace_id"
    " AND n.message_id = m.message_id AND n.state = 'pending')"
)
_TAKE = text(
    "UPDATE message m SET attempts = m.attempts + 1, next_attempt_at = CAST(:again AS timestamptz)"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS k (workspace_id, message_id)"
    " WHERE m.workspace_id = k.workspace_id AND m.message_id = k.message_id"
    " AND m.state = 'pending' RETURNING m.*"
)
_BEGIN = text(
    "INSERT INTO attempt (workspace_id, message_id, number, begun_at, answer)"
    " SELECT k.workspace_id, k.message_id, k.number, :now, 'under_way' FROM unnest(CAST(:workspaces AS text[]),"
    " CAST(:ids AS uuid[]), CAST(:numbers AS smallint[])) AS k (workspace_id, message_id, number)"
)
_CONTENTS = text(
    "SELECT said.* FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS k (workspace_id, message_id)"
    " JOIN LATERAL (SELECT n.workspace_id, n.message_id, n.created_at, n.payload, count(*) OVER () AS total,"
    " bool_and(n.otherwise <> '[]') OVER () AS has_another_way FROM notification n"
    " WHERE n.workspace_id = k.workspace_id AND n.message_id = k.message_id AND n.state = 'pending'"
    " ORDER BY n.notification_id LIMIT :shown) AS said ON true"
)
_COUNTS = text(
    "SELECT n.workspace_id, n.message_id, n.payload->>'policy' AS policy, n.payload->>'queue' AS queue,"
    " n.payload->>'metric' AS metric, count(*) AS number"
    + _OF_KEYS
    + " JOIN notification n USING (workspace_id, message_id) WHERE n.state = 'pending'"
    " GROUP BY 1, 2, 3, 4, 5 ORDER BY count(*) DESC, 3, 4, 5"
)
_SETTLED = ("workspace_id", "message_id", "state", "next_attempt_at", "detail", "finished_at")
_SETTLE = text(
    "UPDATE message m SET state = s.state, next_attempt_at = s.next_attempt_at, detail = s.detail,"
    " finished_at = s.finished_at FROM unnest(CAST(:workspace_id AS text[]), CAST(:message_id AS uuid[]),"
    " CAST(:state AS text[]), CAST(:next_attempt_at AS timestamptz[]), CAST(:detail AS text[]),"
    " CAST(:finished_at AS timestamptz[]))"
    " AS s (workspace_id, message_id, state, next_attempt_at, detail, finished_at)"
    " WHERE m.workspace_id = s.workspace_id AND m.message_id = s.message_id"
)
_SETTLE_NOTIFICATIONS = text(
    "UPDATE notification n SET state = s.state, detail = s.detail, finished_at = s.finished_at"
    " FROM unnest(CAST(:workspace_id AS text[]), CAST(:message_id AS uuid[]), CAST(:state AS text[]),"
    " CAST(:detail AS text[]), CAST(:finished_at AS timestamptz[]))"
    " AS s (workspace_id, message_id, state, detail, finished_at)"
    " WHERE n.workspace_id = s.workspace_id AND n.message_id = s.message_id AND n.state = 'pending'"
)
_END_ATTEMPTS = text(
    "UPDATE attempt a SET answer = s.answer, code = s.code, detail = s.detail, took = s.took"
    " FROM unnest(CAST(:workspace_id AS text[]), CAST(:message_id AS uuid[]), CAST(:number AS smallint[]),"
    " CAST(:answer AS text[]), CAST(:code AS smallint[]), CAST(:detail AS text[]), CAST(:took AS interval[]))"
    " AS s (workspace_id, message_id, number, answer, code, detail, took)"
    " WHERE a.workspace_id = s.workspace_id AND a.message_id = s.message_id AND a.number = s.number"
)
_WITH_ANOTHER_WAY = text(
    "SELECT n.*" + _OF_KEYS + " JOIN notification n USING (workspace_id, message_id)"
    " WHERE n.state IN ('failed', 'disabled') AND n.otherwise <> '[]'"
)
_ADD_NOTIFICATIONS = insert_set(tables.notification, rows.NOTIFICATION)


async def due(
    tx: Tx, shard: int, now: datetime, busy: Collection[Addressee]
) -> Sequence[tuple[MessageKey, Addressee]]:
    """Messages whose next attempt is due, the longest waiting first; none of who has enough under way."""
    found = await tx.execute(
        _DUE,
        {
            "shard": shard,
            "now": now,
            "most": LOOKED_AT,
            "workspaces": [who.workspace_id for who in busy],
            "ways": [who.way for who in busy],
            "addresses": [who.address for who in busy],
        },
    )
    return [
        ((row.workspace_id, row.message_id), Addressee(row.workspace_id, Way(row.way), row.address))
        for row in found
    ]


async def take(tx: Tx, now: datetime, keys: Collection[MessageKey]) -> Sequence[tuple[Message, Digest, bool]]:
    """Begins the next attempt of messages: what each says, and whether everybody in it can be told otherwise.

    What nobody needs to be told of any more is left out, and a message that says nothing then is over.
    """
    wanted = _keys(keys)
    if over := [dict(row) for row in (await tx.execute(_OVER, wanted)).mappings()]:
        await tx.execute(_DROP, {**transposed(over, ("workspace_id", "notification_id", "detail")), "now": now})
    await tx.execute(_END_EMPTY, {**wanted, "now": now})
    taken = (await tx.execute(_TAKE, {**wanted, "again": now + CLAIM})).mappings()
    messages = {(row["workspace_id"], row["message_id"]): rows.to_message(row) for row in taken}
    if not messages:
        return []
    numbers = [message.attempts for message in messages.values()]
    await tx.execute(_BEGIN, {**_keys(messages), "now": now, "numbers": numbers})
    digests = await _digests(tx, messages)
    return [(messages[key], *said) for key, said in digests.items()]


async def settle(tx: Tx, ended: Sequence[Attempted], *, shards: int, ids: IdFactory) -> Sequence[Message]:
    """Notes what attempts came to; the messages as they stand then.

    Whoever was not reached is told by their next way. An address that asks to be left alone is left alone.
    """
    now = await tx.now()
    messages = [
        settled(item.delivery.message, item.outcome, now, has_another_way=item.delivery.has_another_way)
        for item in ended
    ]
    settling = [{name: getattr(message, name) for name in _SETTLED} for message in messages]
    await tx.execute(_SETTLE, transposed(settling, _SETTLED))
    await tx.execute(_END_ATTEMPTS, transposed(map(_attempt_row, ended), _ATTEMPT))
    if over := [row for row in settling if row["state"] is not NotificationState.PENDING]:
        columns = tuple(name for name in _SETTLED if name != "next_attempt_at")
        await tx.execute(_SETTLE_NOTIFICATIONS, transposed(over, columns))
    await _tell_otherwise(tx, messages, now, shards=shards, ids=ids)
    await _leave_alone(tx, ended, now)
    return messages


async def _digests(tx: Tx, keys: Collection[MessageKey]) -> Mapping[MessageKey, tuple[Digest, bool]]:
    listed = defaultdict(list)
    for row in await tx.execute(_CONTENTS, {**_keys(keys), "shown": MOST_SHOWN}):
        listed[row.workspace_id, row.message_id].append(row)
    counts: dict[MessageKey, list[Count]] = defaultdict(list)
    if long := [key for key, found in listed.items() if found[0].total > len(found)]:
        for row in await tx.execute(_COUNTS, _keys(long)):
            count = Count(policy=row.policy, queue=row.queue, metric=row.metric, count=row.number)
            counts[row.workspace_id, row.message_id].append(count)
    return {
        key: (
            Digest(
                total=found[0].total,
                shown=tuple(Item(row.created_at, row.payload) for row in found),
                counts=tuple(counts[key]),
            ),
            found[0].has_another_way,
        )
        for key, found in listed.items()
    }


async def _tell_otherwise(
    tx: Tx, messages: Sequence[Message], now: datetime, *, shards: int, ids: IdFactory
) -> None:
    failed = [
        (message.workspace_id, message.message_id)
        for message in messages
        if message.state in (NotificationState.FAILED, NotificationState.DISABLED)
    ]
    if not failed:
        return
    found = (await tx.execute(_WITH_ANOTHER_WAY, _keys(failed))).mappings()
    told = [by_the_next_way(rows.to_notification(row), ids.new(), now) for row in found]
    added = [rows.notification_row(item, shard_of(item.workspace_id, shards)) for item in told if item]
    if added:
        await tx.execute(_ADD_NOTIFICATIONS, transposed(added, rows.NOTIFICATION))


async def _leave_alone(tx: Tx, ended: Iterable[Attempted], now: datetime) -> None:
    """Also who was deferred without a wish may have had one by another attempt, which has ended before."""
    wishes: dict[Addressee, datetime | None] = {}
    for item in ended:
        message, outcome = item.delivery.message, item.outcome
        if outcome.answer is Answer.DEFERRED:
            who = Addressee(message.workspace_id, message.way, message.address)
            wish = now + outcome.wish if outcome.wish else None
            wishes[who] = max(filter(None, (wish, wishes.get(who))), default=None)
    if said := {who: until for who, until in wishes.items() if until}:
        await leaving_alone.note(tx, said)
    if wishes:
        await leaving_alone.put_off(tx, wishes, now)


_ATTEMPT = ("workspace_id", "message_id", "number", "answer", "code", "detail", "took")


def _attempt_row(item: Attempted) -> dict[str, object]:
    message, outcome = item.delivery.message, item.outcome
    return {
        "workspace_id": message.workspace_id,
        "message_id": message.message_id,
        "number": message.attempts,
        "answer": outcome.answer,
        "code": outcome.code,
        "detail": outcome.detail,
        "took": item.took,
    }


def _keys(keys: Iterable[MessageKey]) -> dict[str, object]:
    ordered = list(keys)
    return {"workspaces": [key[0] for key in ordered], "ids": [key[1] for key in ordered]}
