"""Mailboxes in PostgreSQL: which there are, how far each has been read, and how it is with it."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Row, text

from services.intake.app.configuration import IntakePart
from shared.db.unit_of_work import Tx
from shared.errors import NotFound
from shared.events.catalog import shard_of

_SKIPPED = 1000
"""Of the messages that were left alone the newest are remembered."""

# With another account or folder the numbers mean other messages: they are read from the start.
_KEEP = text(
    "INSERT INTO mailbox AS m (workspace_id, channel, mailbox_id, shard, fingerprint, source)"
    " SELECT :workspace_id, w.channel, w.mailbox_id, :shard, w.fingerprint, w.source"
    " FROM unnest(CAST(:channels AS text[]), CAST(:ids AS text[]), CAST(:fingerprints AS bytea[]),"
    " CAST(:sources AS text[])) AS w (channel, mailbox_id, fingerprint, source)"
    " ON CONFLICT (workspace_id, channel, mailbox_id) DO UPDATE SET fingerprint = excluded.fingerprint,"
    " configured_at = excluded.configured_at,"
    " source = excluded.source, state = 'starting', last_error = NULL, failures = 0, refresh_token = NULL,"
    " next_attempt_at = clock_timestamp(),"
    " uid_validity = CASE WHEN m.source = excluded.source THEN m.uid_validity END,"
    " last_uid = CASE WHEN m.source = excluded.source THEN m.last_uid ELSE 0 END,"
    " settled_uid = CASE WHEN m.source = excluded.source THEN m.settled_uid ELSE 0 END,"
    " skipped = CASE WHEN m.source = excluded.source THEN m.skipped ELSE '[]' END"
    " WHERE m.fingerprint <> excluded.fingerprint"
)
_DROP = text(
    "DELETE FROM mailbox m WHERE m.workspace_id = :workspace_id AND NOT EXISTS"
    " (SELECT 1 FROM unnest(CAST(:channels AS text[]), CAST(:ids AS text[])) AS w (channel, mailbox_id)"
    " WHERE w.channel = m.channel AND w.mailbox_id = m.mailbox_id)"
)
_OF_SHARD = text("SELECT workspace_id, channel, mailbox_id, configured_at FROM mailbox WHERE shard = :shard")
_OF_SHARDS = text(
    "SELECT shard, md5(string_agg(workspace_id || '/' || channel || '/' || mailbox_id || '/'"
    " || configured_at::text, ',' ORDER BY workspace_id, channel, mailbox_id)) AS mark,"
    " count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state <> 'failed') AS well,"
    " sum(waiting) AS waiting"
    " FROM mailbox WHERE shard = ANY (CAST(:shards AS smallint[])) GROUP BY shard"
)
_LOAD = text(
    "SELECT * FROM mailbox WHERE workspace_id = :workspace_id AND channel = :channel"
    " AND mailbox_id = :mailbox_id AND configured_at = :configured_at"
)
_SAVE = text(
    "UPDATE mailbox SET uid_validity = :uid_validity, last_uid = :last_uid, settled_uid = :settled_uid,"
    " waiting = :waiting, skipped = CAST(:skipped AS jsonb), state = :state"
    " WHERE workspace_id = :workspace_id AND channel = :channel AND mailbox_id = :mailbox_id"
    " AND configured_at = :configured_at RETURNING 1"
)
_WELL = text(
    "UPDATE mailbox SET state = 'watching', last_error = :error, failures = 0, waiting = 0,"
    " last_synced_at = clock_timestamp()"
    " WHERE workspace_id = :workspace_id AND channel = :channel AND mailbox_id = :mailbox_id"
    " AND configured_at = :configured_at RETURNING 1"
)
_FAILED = text(
    "UPDATE mailbox SET state = 'failed', last_error = :error, failures = failures + 1,"
    " next_attempt_at = clock_timestamp() + CAST(:pause AS interval)"
    " WHERE workspace_id = :workspace_id AND channel = :channel AND mailbox_id = :mailbox_id"
    " AND configured_at = :configured_at RETURNING 1"
)
_RENEWED = text(
    "UPDATE mailbox SET refresh_token = :refresh_token"
    " WHERE workspace_id = :workspace_id AND channel = :channel AND mailbox_id = :mailbox_id"
    " AND configured_at = :configured_at RETURNING 1"
)
_LIST = text(
    "SELECT *, clock_timestamp() AS now FROM mailbox WHERE workspace_id = :workspace_id"
    " ORDER BY channel, mailbox_id"
)


class MailboxState(StrEnum):
    """How it is with a mailbox."""

    STARTING = "starting"
    READING = "reading"
    WATCHING = "watching"
    FAILED = "failed"


class MailboxKey(NamedTuple):
    """A mailbox as it was configured at one time: with another configuration it is another one."""

    workspace_id: str
    channel: str
    mailbox_id: str
    configured_at: datetime

    @property
    def named(self) -> dict[str, object]:
        """As statements name it."""
        return self._asdict()


@dataclass(frozen=True, slots=True)
class Mark:
    """The mailboxes of a shard in short. mark: changes with what they are, not with how they are"""

    mark: str
    failed: int
    well: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A message that was not taken as it is, and stays at its server. why: for people"""

    uid: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a mailbox has been read.

    uid_validity: what its numbers are worth, None before it was opened first
    last_uid: up to here all is stored; settled_uid: up to here it is also marked, moved or deleted
    waiting: messages above that; next_attempt_in: how long nothing is to be tried
    """

    uid_validity: int | None
    last_uid: int
    settled_uid: int
    waiting: int
    skipped: tuple[Skipped, ...]
    failures: int = 0
    next_attempt_in: timedelta = timedelta()
    refresh_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMailbox:
    """How it is with a mailbox, for people."""

    channel: str
    mailbox_id: str
    state: MailboxState
    last_error: str | None
    last_synced_at: datetime | None
    waiting: int
    uid_validity: int | None
    last_uid: int
    skipped: tuple[Skipped, ...]
    next_attempt_at: datetime | None


async def replace(tx: Tx, workspace_id: str, part: IntakePart, shards: int) -> None:
    """Makes the workspace's mailboxes those of this part, in the commit of its configuration."""
    wanted = [(channel.id, item) for channel in part.channels for item in channel.mailboxes]
    wanted.sort(key=lambda pair: (pair[0], pair[1].id))
    named = {
        "workspace_id": workspace_id,
        "channels": [channel for channel, _ in wanted],
        "ids": [item.id for _, item in wanted],
    }
    await tx.execute(_DROP, named)
    if wanted:
        await tx.execute(
            _KEEP,
            {
                **named,
                "shard": shard_of(workspace_id, shards),
                "fingerprints": [item.fingerprint for _, item in wanted],
                "sources": [item.source for _, item in wanted],
            },
        )


async def of_shard(tx: Tx, shard: int) -> set[MailboxKey]:
    """The mailboxes of a shard. The unit of work claims it."""
    rows = await tx.execute(_OF_SHARD, {"shard": shard})
    return {MailboxKey(row.workspace_id, row.channel, row.mailbox_id, row.configured_at) for row in rows}


async def marks(tx: Tx, shards: Collection[int]) -> dict[int, Mark]:
    """The mailboxes of each of these shards in short. The unit of work claims them."""
    rows = await tx.execute(_OF_SHARDS, {"shards": list(shards)})
    found = {row.shard: Mark(row.mark, row.failed, row.well, row.waiting) for row in rows}
    return {shard: found.get(shard, Mark("", 0, 0, 0)) for shard in shards}


async def load(tx: Tx, key: MailboxKey) -> Cursor:
    """How far it has been read. Raises NotFound where it is not configured so any more."""
    row = (await tx.execute(_LOAD, key.named)).one_or_none()
    if row is None:
        raise NotFound
    return Cursor(
        uid_validity=row.uid_validity,
        last_uid=row.last_uid,
        settled_uid=row.settled_uid,
        waiting=row.waiting,
        skipped=_skipped(row),
        failures=row.failures,
        next_attempt_in=max(timedelta(), row.next_attempt_at - await tx.now()),
        refresh_token=row.refresh_token,
    )


async def save(tx: Tx, key: MailboxKey, cursor: Cursor) -> None:
    """Keeps how far it has been read. Raises NotFound."""
    skipped = json.dumps([[item.uid, item.why] for item in cursor.skipped[-_SKIPPED:]])
    await _update(
        tx,
        _SAVE,
        key,
        uid_validity=cursor.uid_validity,
        last_uid=cursor.last_uid,
        settled_uid=cursor.settled_uid,
        waiting=cursor.waiting,
        skipped=skipped,
        state=MailboxState.READING.value,
    )


async def well(tx: Tx, key: MailboxKey, error: str | None) -> None:
    """All that was there is stored. error: what did not work beside that. Raises NotFound."""
    await _update(tx, _WELL, key, error=error)


async def failed(tx: Tx, key: MailboxKey, error: str, pause: timedelta) -> None:
    """It did not work; it is tried again after a pause. Raises NotFound."""
    await _update(tx, _FAILED, key, error=error, pause=pause)


async def renewed(tx: Tx, key: MailboxKey, refresh_token: str) -> None:
    """Keeps a refresh token, sealed, that has replaced the configured one. Raises NotFound."""
    await _update(tx, _RENEWED, key, refresh_token=refresh_token)


async def shown(tx: Tx, workspace_id: str) -> Sequence[ShownMailbox]:
    """The mailboxes of a workspace."""
    return [
        ShownMailbox(
            channel=row.channel,
            mailbox_id=row.mailbox_id,
            state=MailboxState(row.state),
            last_error=row.last_error,
            last_synced_at=row.last_synced_at,
            waiting=row.waiting,
            uid_validity=row.uid_validity,
            last_uid=row.last_uid,
            skipped=_skipped(row),
            next_attempt_at=row.next_attempt_at if row.next_attempt_at > row.now else None,
        )
        for row in await tx.execute(_LIST, {"workspace_id": workspace_id})
    ]


async def _update(tx: Tx, statement: Any, key: MailboxKey, **values: object) -> None:
    if (await tx.execute(statement, {**key.named, **values})).first() is None:
        raise NotFound


def _skipped(row: Row[Any]) -> tuple[Skipped, ...]:
    return tuple(Skipped(uid, why) for uid, why in row.skipped)
