"""Parked records: what cannot be applied, and what follows it of the same subject, in the table `parked`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from shared.db import tables
from shared.db.progress import Subject
from shared.db.sets import insert_set, transposed
from shared.db.unit_of_work import Tx
from shared.errors import PoisonMessage
from shared.events.catalog import TOPICS
from shared.kafka.client import Record

UNKNOWN_WORKSPACE = "unknown-workspace"
"""Where records are parked that do not name a workspace of their partition."""

_COLUMNS = (
    "shard",
    "workspace_id",
    "subject",
    "sequence",
    "reason",
    "detail",
    "topic",
    "partition",
    "record_offset",
    "record_key",
    "record_value",
    "traceparent",
)
_INSERT = insert_set(tables.parked, _COLUMNS)
_OUTDATE = text(
    "DELETE FROM parked p USING unnest(CAST(:workspaces AS text[]), CAST(:subjects AS text[]),"
    " CAST(:sequences AS bigint[])) AS f (workspace_id, subject, sequence)"
    " WHERE p.workspace_id = f.workspace_id AND p.subject = f.subject AND p.sequence <= f.sequence"
)
_FILL = text(
    "UPDATE parked p SET request = 'replay' FROM"
    " unnest(CAST(:workspaces AS text[]), CAST(:subjects AS text[])) AS f (workspace_id, subject)"
    " WHERE p.workspace_id = f.workspace_id AND p.subject = f.subject AND p.request IS NULL"
)
# A record is discarded in its turn. Until then its subject is left alone: to try the first one again and again
# would not bring that turn about.
_DUE = (
    "(p.request = 'replay' OR p.request = 'discard' AND p.id = (SELECT f.id FROM parked f WHERE f.shard = p.shard"
    " AND f.workspace_id = p.workspace_id AND f.subject = p.subject ORDER BY f.sequence, f.id LIMIT 1))"
)
_SHARDS = text(
    f"SELECT DISTINCT p.shard FROM parked p WHERE p.request IS NOT NULL AND {_DUE}"  # noqa: S608 - a constant
)
_REQUESTED = text(
    "SELECT DISTINCT p.workspace_id, p.subject FROM parked p"  # noqa: S608 - a constant
    f" WHERE p.shard = :shard AND p.request IS NOT NULL AND {_DUE} LIMIT 100"
)
_FIRST_OF = text(
    "SELECT * FROM parked WHERE shard = :shard AND workspace_id = :workspace AND subject = :subject"
    " ORDER BY sequence, id LIMIT 1"
)
_OTHER = text(
    "SELECT EXISTS (SELECT FROM parked p JOIN parked o USING (workspace_id, subject, sequence)"
    " WHERE p.id = :id AND o.id <> p.id AND o.record_value IS DISTINCT FROM p.record_value)"
)
_REMOVE = text("DELETE FROM parked WHERE id = :id")
_KEEP = text(
    "WITH first AS (SELECT id FROM parked WHERE shard = :shard AND workspace_id = :workspace"
    " AND subject = :subject ORDER BY sequence, id LIMIT 1)"
    " UPDATE parked p SET request = CASE WHEN p.id <> first.id AND request = 'discard' THEN request END,"
    " detail = CASE WHEN p.id = first.id THEN :detail ELSE detail END"
    " FROM first WHERE shard = :shard AND workspace_id = :workspace AND subject = :subject"
)


@dataclass(frozen=True, slots=True)
class Parking:
    """A record on its way into the table."""

    record: Record
    workspace_id: str
    subject: str
    sequence: int | None
    problem: PoisonMessage


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record in the table, ready to be tried again."""

    id: int
    record: Record
    is_discarded: bool


async def park(tx: Tx, parking: Sequence[Parking]) -> None:
    """Sets records aside, with their origin and the reason."""
    if not parking:
        return
    rows = [
        {
            "shard": item.record.partition,
            "workspace_id": item.workspace_id,
            "subject": item.subject,
            "sequence": item.sequence,
            "reason": item.problem.reason,
            "detail": _storable(str(item.problem)),
            "topic": item.record.topic.name,
            "partition": item.record.partition,
            "record_offset": item.record.offset,
            "record_key": item.record.key,
            "record_value": item.record.value,
            "traceparent": item.record.header("traceparent") or None,
        }
        for item in parking
    ]
    await tx.execute(_INSERT, transposed(rows, _COLUMNS))


async def fill(tx: Tx, sequences: Mapping[Subject, int]) -> None:
    """A gap closed: what was parked up to here is outdated, what follows is to be tried again."""
    if sequences:
        columns = _as_columns(sequences)
        await tx.execute(_OUTDATE, {**columns, "sequences": list(sequences.values())})
        await tx.execute(_FILL, columns)


async def shards_with_requests(tx: Tx) -> list[int]:
    """Of the shards that this unit of work claims, those of which a record is to be replayed or discarded."""
    return [row.shard for row in await tx.execute(_SHARDS)]


async def requested(tx: Tx, shard: int) -> list[Subject]:
    """Subjects of which some record is to be replayed or discarded."""
    rows = await tx.execute(_REQUESTED, {"shard": shard})
    return [(row.workspace_id, row.subject) for row in rows]


async def first_of(tx: Tx, shard: int, subject: Subject) -> ParkedRecord | None:
    """The first parked record of a subject."""
    place = {"shard": shard, "workspace": subject[0], "subject": subject[1]}
    row = (await tx.execute(_FIRST_OF, place)).one_or_none()
    if row is None:
        return None
    record = Record(
        topic=TOPICS[row.topic],
        partition=row.partition,
        offset=row.record_offset,
        key=row.record_key,
        value=row.record_value,
        headers={"subject": row.subject.encode(), "sequence": str(row.sequence or "").encode()},
    )
    return ParkedRecord(row.id, record, is_discarded=row.request == "discard")


async def has_other(tx: Tx, parked_id: int) -> bool:
    """Whether a record that says something else is parked in the very same place."""
    return bool((await tx.execute(_OTHER, {"id": parked_id})).scalar_one())


async def remove(tx: Tx, parked_id: int) -> None:
    """Forgets a record that was applied, outdated or discarded."""
    await tx.execute(_REMOVE, {"id": parked_id})


async def keep(tx: Tx, shard: int, subject: Subject, detail: str) -> None:
    """Leaves a subject's records parked; `detail` says why the first cannot be applied.

    Whoever wants a later one discarded is not forgotten: that waits for its turn.
    """
    place = {"shard": shard, "workspace": subject[0], "subject": subject[1]}
    await tx.execute(_KEEP, {**place, "detail": _storable(detail)})


def _storable(detail: str) -> str:
    """A detail as PostgreSQL takes it: one may quote a name out of the very record that is refused."""
    return detail.replace("\0", "\ufffd")


def _as_columns(subjects: Collection[Subject]) -> dict[str, object]:
    return {"workspaces": [key[0] for key in subjects], "subjects": [key[1] for key in subjects]}
