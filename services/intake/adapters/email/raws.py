"""What came as it came, in PostgreSQL."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Row, text

from services.intake.adapters.email import tables
from services.intake.adapters.email.charsets import clean
from services.intake.app.mail_ports import Outcome, Raw, RawKey, RawState
from services.intake.domain.message import Disposition
from shared.db.sets import insert_new_set, insert_set, transposed
from shared.db.unit_of_work import Tx
from shared.errors import NotFound
from shared.events.catalog import shard_of

_LOOKED = 256
_OF_LANE = 32
_OF_SENDER = 16
"""Of one lane at most so many are in hand, so many of one sender in one channel, found among its oldest ones."""

_COLUMNS = (
    *("workspace_id", "raw_id", "shard", "channel", "sender", "recipients", "sha256", "bytes"),
    *("form", "headers"),
    *("received_at", "traceparent", "state", "attempts"),
)
_ADD = insert_set(tables.raw, _COLUMNS)
_PERSON = ("workspace_id", "address", "raw_id")
_ADD_PEOPLE = insert_new_set(tables.raw_person, _PERSON)
_MAX_ADDRESS = 500
# A lane is what came for a workspace in one form. Of each as much is looked at whatever waits behind it, and its
# first ones come before the second ones of any other.
_TAKE = text(
    "WITH RECURSIVE lane AS ("
    "(SELECT workspace_id, form FROM raw WHERE shard = :shard AND state = 'received'"
    " ORDER BY workspace_id, form LIMIT 1)"
    " UNION ALL SELECT n.workspace_id, n.form FROM lane l CROSS JOIN LATERAL (SELECT r.workspace_id, r.form"
    " FROM raw r WHERE r.shard = :shard AND r.state = 'received'"
    " AND (r.workspace_id, r.form) > (l.workspace_id, l.form) ORDER BY r.workspace_id, r.form LIMIT 1) AS n),"
    " oldest AS (SELECT o.*, row_number() OVER"
    " (PARTITION BY o.workspace_id, o.form, o.channel, o.sender ORDER BY o.raw_id) AS of_sender"
    " FROM lane l CROSS JOIN LATERAL (SELECT r.workspace_id, r.form, r.channel, r.sender, r.raw_id FROM raw r"
    " WHERE r.shard = :shard AND r.state = 'received' AND r.workspace_id = l.workspace_id AND r.form = l.form"
    " AND r.raw_id <> ALL (CAST(:passed AS uuid[])) ORDER BY r.raw_id LIMIT :looked) AS o"
    " WHERE l.workspace_id <> ALL (CAST(:halted AS text[]))),"
    " placed AS (SELECT *, row_number() OVER (PARTITION BY workspace_id, form ORDER BY raw_id) AS place"
    " FROM oldest WHERE of_sender <= :of_sender),"
    " first AS (SELECT workspace_id, raw_id FROM placed WHERE place <= :of_lane"
    " AND raw_id <> ALL (CAST(:taken AS uuid[])) ORDER BY place, raw_id LIMIT :most),"
    " next AS (SELECT n.* FROM first f CROSS JOIN LATERAL (SELECT r.workspace_id, r.raw_id FROM raw r"
    " WHERE r.workspace_id = f.workspace_id AND r.raw_id = f.raw_id AND r.state || '' = 'received'"
    " FOR UPDATE SKIP LOCKED) AS n)"
    " UPDATE raw r SET attempts = r.attempts + CAST(r.raw_id <> ALL (CAST(:again AS uuid[])) AS int)"
    " FROM next WHERE r.workspace_id = next.workspace_id AND r.raw_id = next.raw_id RETURNING r.*"
)
_PUT_BACK = text(
    "UPDATE raw r SET attempts = r.attempts - 1"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, raw_id)"
    " WHERE r.workspace_id = w.workspace_id AND r.raw_id = w.raw_id AND r.state = 'received'"
)
_LOCK = text(
    "SELECT r.workspace_id, r.raw_id FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[]))"
    " AS w (workspace_id, raw_id) JOIN raw r USING (workspace_id, raw_id) WHERE r.state = :state"
    " ORDER BY r.workspace_id, r.raw_id FOR UPDATE OF r"
)
_SETTLE = text(
    "UPDATE raw r SET state = w.state, disposition = w.disposition, reason = w.reason,"
    " message_id = w.message_id, ticket_id = w.ticket_id"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[]), CAST(:states AS text[]),"
    " CAST(:dispositions AS text[]), CAST(:reasons AS text[]), CAST(:messages AS uuid[]),"
    " CAST(:tickets AS uuid[]))"
    " AS w (workspace_id, raw_id, state, disposition, reason, message_id, ticket_id)"
    " WHERE r.workspace_id = w.workspace_id AND r.raw_id = w.raw_id"
)
_FIND = text(
    "SELECT r.*, t.number FROM raw r"
    " LEFT JOIN ticket t ON t.workspace_id = r.workspace_id AND t.ticket_id = r.ticket_id"
    " WHERE r.workspace_id = :workspace_id AND r.raw_id = :raw_id"
)
_QUARANTINED = text(
    "SELECT * FROM raw WHERE workspace_id = :workspace_id AND state = 'quarantined'"
    " AND raw_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')"
    " ORDER BY raw_id LIMIT :most"
)
_WAITING = text(
    "SELECT n FROM unnest(CAST(:shards AS smallint[])) AS held (n)"
    " WHERE EXISTS (SELECT 1 FROM raw r WHERE r.shard = held.n AND r.state = 'received')"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRaw:
    """Something as it came, and what has become of it so far."""

    raw: Raw
    state: RawState
    disposition: Disposition | None
    reason: str | None
    message_id: UUID | None
    ticket_id: UUID | None
    ticket_number: int | None = None

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """As it is stored with this outcome."""
        return cls(
            raw=outcome.raw,
            state=outcome.state,
            disposition=outcome.disposition,
            reason=outcome.reason,
            message_id=outcome.message_id,
            ticket_id=outcome.ticket_id,
            ticket_number=outcome.ticket_number,
        )


class PostgresRaws:
    """Implements the port `Raws`, and what brings them."""

    def __init__(self, shards: int) -> None:
        self._shards = shards

    async def add(self, tx: Tx, raws: Sequence[Raw]) -> None:
        """New ones, to be read."""
        await tx.execute(_ADD, transposed([self._row(raw) for raw in raws], _COLUMNS))

    async def take(
        self,
        tx: Tx,
        shard: int,
        taken: Collection[UUID],
        most: int,
        *,
        again: Collection[UUID] = (),
        passed: Collection[UUID] = (),
        halted: Collection[str] = (),
    ) -> list[Raw]:
        """The oldest of each workspace that wait in a shard, but for those taken already.

        again: those that this process has taken before: it is no attempt more, since it has outlived the last one
        passed: those to leave alone, and halted: workspaces; the unit of work claims the shard
        """
        rows = await tx.execute(
            _TAKE,
            {
                "shard": shard,
                "taken": list(taken),
                "most": most,
                "again": list(again),
                "passed": list(passed),
                "halted": list(halted),
                "looked": _LOOKED,
                "of_lane": _OF_LANE,
                "of_sender": _OF_SENDER,
            },
        )
        return sorted(map(_raw, rows), key=lambda raw: raw.raw_id)

    async def put_back(self, tx: Tx, keys: Collection[RawKey]) -> None:
        """That these were taken was no attempt: they could not be had."""
        await tx.execute(_PUT_BACK, _named(keys))

    async def lock(self, tx: Tx, keys: Collection[RawKey], state: RawState) -> set[RawKey]:
        """Those that are in this state, locked."""
        rows = await tx.execute(_LOCK, {**_named(keys), "state": state.value})
        return {(row.workspace_id, row.raw_id) for row in rows}

    async def settle(self, tx: Tx, outcomes: Sequence[Outcome]) -> None:
        """Keeps what became of them."""
        await tx.execute(
            _SETTLE,
            {
                "workspaces": [outcome.raw.workspace_id for outcome in outcomes],
                "ids": [outcome.raw.raw_id for outcome in outcomes],
                "states": [outcome.state.value for outcome in outcomes],
                "dispositions": [outcome.disposition.value for outcome in outcomes],
                "reasons": [outcome.reason for outcome in outcomes],
                "messages": [outcome.message_id for outcome in outcomes],
                "tickets": [outcome.ticket_id for outcome in outcomes],
            },
        )
        people = [
            {"workspace_id": outcome.raw.workspace_id, "address": address, "raw_id": outcome.raw.raw_id}
            for outcome in outcomes
            for address in sorted(_people(outcome))
        ]
        if people:
            await tx.execute(_ADD_PEOPLE, transposed(people, _PERSON))

    async def find(self, tx: Tx, workspace_id: str, raw_id: UUID) -> StoredRaw:
        """One of a workspace. Raises NotFound."""
        row = (await tx.execute(_FIND, {"workspace_id": workspace_id, "raw_id": raw_id})).one_or_none()
        if row is None:
            raise NotFound
        return _stored(row, row.number)

    async def quarantined(self, tx: Tx, workspace_id: str, after: UUID | None, most: int) -> list[StoredRaw]:
        """Those of a workspace in quarantine, oldest first."""
        rows = await tx.execute(_QUARANTINED, {"workspace_id": workspace_id, "after": after, "most": most})
        return [_stored(row) for row in rows]

    async def waiting(self, tx: Tx, shards: Collection[int]) -> list[int]:
        """Which of these shards have something to read. The unit of work claims them."""
        return [row.n for row in await tx.execute(_WAITING, {"shards": list(shards)})]

    def _row(self, raw: Raw) -> dict[str, object]:
        return {
            "workspace_id": raw.workspace_id,
            "raw_id": raw.raw_id,
            "shard": shard_of(raw.workspace_id, self._shards),
            "channel": raw.channel,
            "sender": raw.sender,
            "recipients": list(raw.recipients),
            "sha256": raw.sha256,
            "bytes": raw.size,
            "received_at": raw.received_at,
            "traceparent": raw.traceparent,
            "state": RawState.RECEIVED.value,
            "attempts": raw.attempts,
            "form": raw.form,
            "headers": dict(raw.headers),
        }


def _people(outcome: Outcome) -> set[str]:
    """Whom it is about. What is longer than an index holds, or no text of the database, is nobody's address."""
    known = {*outcome.people, (outcome.raw.sender or "").lower()}
    return {address for address in known if 0 < len(address) <= _MAX_ADDRESS and clean(address) == address}


def _named(keys: Collection[RawKey]) -> dict[str, object]:
    ordered = sorted(keys)
    return {"workspaces": [key[0] for key in ordered], "ids": [key[1] for key in ordered]}


def _raw(row: Row[Any]) -> Raw:
    received_at: datetime = row.received_at
    return Raw(
        workspace_id=row.workspace_id,
        raw_id=row.raw_id,
        channel=row.channel,
        sender=row.sender,
        recipients=tuple(row.recipients),
        sha256=row.sha256,
        size=row.bytes,
        received_at=received_at,
        traceparent=row.traceparent,
        attempts=row.attempts,
        form=row.form,
        headers=row.headers,
    )


def _stored(row: Row[Any], number: int | None = None) -> StoredRaw:
    return StoredRaw(
        raw=_raw(row),
        state=RawState(row.state),
        disposition=Disposition(row.disposition) if row.disposition else None,
        reason=row.reason,
        message_id=row.message_id,
        ticket_id=row.ticket_id,
        ticket_number=number,
    )
