"""Puts notifications into messages: all that waits for a person into one, at that person's pace."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, text

from services.escalation.adapters.telling import leaving_alone, tables
from services.escalation.adapters.telling.leaving_alone import Addressee, columns
from services.escalation.domain.notification import NotificationState
from services.escalation.domain.pace import MOST_IN_WINDOW, WINDOW, next_message_at
from services.escalation.domain.recipient import PEOPLE, Way
from shared.db.sets import insert_set, transposed
from shared.db.unit_of_work import Tx
from shared.vocabulary import EscalationState

MOST_AT_ONCE = 10
"""Addressees for whom messages are made in one unit of work."""
MOST_TOGETHER = 5_000
"""Notifications that go into messages in one unit of work, and so into one: each stays short of its timeouts."""

_WAITING = text(
    "SELECT DISTINCT workspace_id, way, address FROM notification"
    " WHERE shard = :shard AND send_at <= CAST(:now AS timestamptz)"
)
_THEIRS = text(
    "SELECT t.*, e.state AS stands, e.resumes_at"
    " FROM (SELECT a.nr, n.* FROM unnest(CAST(:workspaces AS text[]), CAST(:ways AS text[]),"
    " CAST(:addresses AS text[])) WITH ORDINALITY AS a (workspace_id, way, address, nr)"
    " JOIN LATERAL (SELECT n.workspace_id, n.notification_id, n.shard, n.way, n.address, n.escalation_id"
    " FROM notification n WHERE n.workspace_id = a.workspace_id AND n.way = a.way AND n.address = a.address"
    " AND n.send_at <= CAST(:now AS timestamptz) ORDER BY n.send_at, n.notification_id LIMIT :most) AS n ON true"
    # One more: whether somebody was cut short.
    " LIMIT :most + 1) AS t"
    " LEFT JOIN LATERAL (SELECT e.state, e.resumes_at FROM escalation e"
    " WHERE e.workspace_id = t.workspace_id AND e.escalation_id = t.escalation_id OFFSET 0) AS e ON true"
    " ORDER BY t.nr, t.notification_id"
)
_RECENT = text(
    "SELECT a.workspace_id, a.way, a.address, sent.created_at"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ways AS text[]), CAST(:addresses AS text[]))"
    " AS a (workspace_id, way, address) JOIN LATERAL (SELECT m.created_at FROM message m"
    " WHERE m.workspace_id = a.workspace_id AND m.way = a.way AND m.address = a.address"
    " AND m.created_at > CAST(:since AS timestamptz) AND m.state <> 'obsolete'"
    " ORDER BY m.created_at DESC LIMIT :most) AS sent ON true"
)
_PLACE = text(
    "UPDATE notification n SET state = p.state, message_id = p.message_id, send_at = p.send_at, detail = p.detail,"
    " finished_at = p.finished_at FROM unnest(CAST(:workspace_id AS text[]), CAST(:notification_id AS uuid[]),"
    " CAST(:state AS text[]), CAST(:message_id AS uuid[]), CAST(:send_at AS timestamptz[]),"
    " CAST(:detail AS text[]), CAST(:finished_at AS timestamptz[]))"
    " AS p (workspace_id, notification_id, state, message_id, send_at, detail, finished_at)"
    " WHERE n.workspace_id = p.workspace_id AND n.notification_id = p.notification_id"
)
_PLACED = ("workspace_id", "notification_id", "state", "message_id", "send_at", "detail", "finished_at")
_MESSAGE = (
    "workspace_id",
    "message_id",
    "shard",
    "way",
    "address",
    "state",
    "attempts",
    "next_attempt_at",
    "created_at",
)
_ADD_MESSAGES = insert_set(tables.message, _MESSAGE)

Values = dict[str, object]


async def waiting(tx: Tx, shard: int, now: datetime) -> set[Addressee]:
    """For whom there is something that may go by now."""
    return {_addressee(row) for row in await tx.execute(_WAITING, {"shard": shard, "now": now})}


async def gather(tx: Tx, now: datetime, addressees: Collection[Addressee]) -> None:
    """Makes messages of what waits for them; what somebody has to wait for is put off until it may go.

    The unit of work names the addressees' workspaces. Who does not fit whole behind the others waits for the next
    time; who has too much alone gets the rest then.
    """
    found = (await tx.execute(_THEIRS, {**columns(addressees), "now": now, "most": MOST_TOGETHER})).all()
    theirs = [list(rows) for _, rows in groupby(found, _addressee)]
    if len(found) > MOST_TOGETHER and len(theirs) > 1:
        # Who was cut short would get two messages: the next time all of it goes into one.
        theirs.pop()
    people = [who for who in addressees if who.way in PEOPLE]
    sent_at: dict[Addressee, list[datetime]] = defaultdict(list)
    for row in await tx.execute(_RECENT, {**columns(people), "since": now - WINDOW, "most": MOST_IN_WINDOW}):
        sent_at[_addressee(row)].append(row.created_at)
    alone = await leaving_alone.until(tx, addressees, now)
    placed: list[Values] = []
    messages: list[Values] = []
    for rows in theirs:
        who = _addressee(rows[0])
        more, made = _placed(rows, next_message_at(sorted(sent_at[who])), now, alone.get(who, now))
        placed.extend(more)
        messages.extend(made)
    if placed:
        await tx.execute(_PLACE, transposed(placed, _PLACED))
    if messages:
        await tx.execute(_ADD_MESSAGES, transposed(messages, _MESSAGE))


def _placed(
    rows: Sequence[Row[Any]], not_before: datetime | None, now: datetime, first_at: datetime
) -> tuple[list[Values], list[Values]]:
    """What becomes of all that waits for one addressee, and the messages that are made of it.

    not_before: their pace; first_at: when the first attempt may be
    """
    if Way(rows[0].way) not in PEOPLE:
        return [_in_message(row, row) for row in rows], [_message(row, now, first_at) for row in rows]
    # Whom somebody has taken on, or what is over, nobody needs to be told of; systems keep their own books.
    over = [_obsolete(row, now) for row in rows if not _is_open(row)]
    told = [row for row in rows if _is_open(row)]
    if not told:
        return over, []
    if not_before is not None and not_before > now:
        return [*over, *(_value(row, send_at=not_before) for row in told)], []
    return [*over, *(_in_message(row, told[0]) for row in told)], [_message(told[0], now, first_at)]


def _in_message(row: Row[Any], first: Row[Any]) -> Values:
    return _value(row, message_id=first.notification_id)


def _is_open(row: Row[Any]) -> bool:
    return row.stands == EscalationState.RAISED and row.resumes_at is None


def _obsolete(row: Row[Any], now: datetime) -> Values:
    stands = "snoozed" if row.stands == EscalationState.RAISED else row.stands or "forgotten"
    detail = f"the escalation was {stands}"
    return _value(row, state=NotificationState.OBSOLETE, detail=detail, finished_at=now)


def _value(row: Row[Any], **changed: object) -> Values:
    unchanged: Mapping[str, object] = {
        "state": NotificationState.PENDING,
        "message_id": None,
        "send_at": None,
        "detail": None,
        "finished_at": None,
    }
    return {"workspace_id": row.workspace_id, "notification_id": row.notification_id, **unchanged, **changed}


def _message(first: Row[Any], now: datetime, first_at: datetime) -> Values:
    return {
        "workspace_id": first.workspace_id,
        "message_id": first.notification_id,
        "shard": first.shard,
        "way": first.way,
        "address": first.address,
        "state": NotificationState.PENDING,
        "attempts": 0,
        "next_attempt_at": first_at,
        "created_at": now,
    }


def _addressee(row: Row[Any]) -> Addressee:
    return Addressee(row.workspace_id, Way(row.way), row.address)
