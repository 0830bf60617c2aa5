"""Puts notifications into messages: all that waits for a person into one, at that person's pace."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from services.escalation.domain.pace import WINDOW, next_message_at
from services.escalation.domain.recipient import Way
from shared.db.unit_of_work import Tx

_WAITING = text(
    "SELECT DISTINCT workspace_id, way, address FROM notification"
    " WHERE shard = :shard AND send_at <= CAST(:now AS timestamptz)"
)
# Whom somebody has taken on, or what is over, nobody needs to be told of; systems keep their own books.
_DROP = text(
    "UPDATE notification n SET state = 'obsolete', send_at = NULL, finished_at = :now,"
    " detail = "
    " 'the escalation was ' || CASE e.state WHEN 'raised' THEN 'snoozed' ELSE e.state END"
    " FROM escalation e WHERE n.shard = :shard AND n.send_at <= CAST(:now AS timestamptz) AND n.way <> 'webhook'"
    " AND e.workspace_id = n.workspace_id AND e.escalation_id = n.escalation_id"
    " AND (e.state <> 'raised' OR e.resumes_at IS NOT NULL)"
)
_EACH_BY_ITSELF = text(
    "WITH taken AS (UPDATE notification SET message_id = notification_id, send_at = NULL"
    " WHERE shard = :shard AND send_at <= CAST(:now AS timestamptz) AND way = 'webhook'"
    " RETURNING workspace_id, notification_id, shard, way, address)"
    " INSERT INTO message"
    " (workspace_id, message_id, shard, way, address, state, attempts, next_attempt_at, created_at)"
    " SELECT workspace_id, notification_id, shard, way, address, 'pending', 0, :now, :now FROM taken"
)
_RECENT = text(
    "SELECT workspace_id, way, address, array_agg(m.created_at ORDER BY m.created_at) AS sent_at"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ways AS text[]), CAST(:addresses AS text[]))"
    " AS a (workspace_id, way, address) JOIN message m USING (workspace_id, way, address)"
    " WHERE m.created_at > :since AND m.state <> 'obsolete' GROUP BY 1, 2, 3"
)
_PUT_OFF = text(
    "UPDATE notification n SET send_at = a.at FROM unnest(CAST(:workspaces AS text[]), CAST(:ways AS text[]),"
    " CAST(:addresses AS text[]), CAST(:ats AS timestamptz[]))"
    " AS a (workspace_id, way, address, at) WHERE n.shard = :shard AND n.send_at <= CAST(:now AS timestamptz)"
    " AND n.workspace_id = a.workspace_id AND n.way = a.way AND n.address = a.address"
)
_TOGETHER = text(
    "WITH gathered AS (SELECT n.workspace_id, n.notification_id, n.way, n.address,"
    " first_value(n.notification_id) OVER (PARTITION BY n.workspace_id, n.way, n.address"
    " ORDER BY n.notification_id) AS message_id"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ways AS text[]), CAST(:addresses AS text[]))"
    " AS a (workspace_id, way, address) JOIN notification n USING (workspace_id, way, address)"
    " WHERE n.shard = :shard AND n.send_at <= CAST(:now AS timestamptz)),"
    " taken AS (UPDATE notification n SET message_id = g.message_id, send_at = NULL FROM gathered g"
    " WHERE n.workspace_id = g.workspace_id AND n.notification_id = g.notification_id)"
    " INSERT INTO message"
    " (workspace_id, message_id, shard, way, address, state, attempts, next_attempt_at, created_at)"
    " SELECT workspace_id, message_id, :shard, way, address, 'pending', 0, :now, :now FROM gathered"
    " WHERE message_id = notification_id"
)


@dataclass(frozen=True, slots=True, order=True)
class Addressee:
    """Whom a message goes to: an address of one way, in one workspace."""

    workspace_id: str
    way: Way
    address: str


async def waiting(tx: Tx, shard: int, now: datetime) -> set[Addressee]:
    """For whom there is something that may go by now."""
    return {_addressee(row) for row in await tx.execute(_WAITING, {"shard": shard, "now": now})}


async def gather(tx: Tx, shard: int, now: datetime, addressees: Collection[Addressee]) -> None:
    """Makes messages of what waits for them; what somebody has to wait for is put off until it may go.

    The unit of work names the addressees' workspaces. What has come since `waiting` for somebody else waits on.
    """
    scan = {"shard": shard, "now": now}
    await tx.execute(_DROP, scan)
    if any(addressee.way is Way.WEBHOOK for addressee in addressees):
        await tx.execute(_EACH_BY_ITSELF, scan)
    people = sorted(addressee for addressee in addressees if addressee.way is not Way.WEBHOOK)
    if not people:
        return
    recent = await tx.execute(_RECENT, {**_columns(people), "since": now - WINDOW})
    paced = {_addressee(row): next_message_at(row.sent_at) for row in recent}
    later = {who: at for who, at in paced.items() if at is not None and at > now}
    if later:
        await tx.execute(_PUT_OFF, {**scan, **_columns(later), "ats": list(later.values())})
    if together := [who for who in people if who not in later]:
        await tx.execute(_TOGETHER, {**scan, **_columns(together)})


def _columns(addressees: Iterable[Addressee]) -> dict[str, object]:
    ordered = list(addressees)
    return {
        "workspaces": [who.workspace_id for who in ordered],
        "ways": [who.way for who in ordered],
        "addresses": [who.address for who in ordered],
    }


def _addressee(row: Row[Any]) -> Addressee:
    return Addressee(row.workspace_id, Way(row.way), row.address)
