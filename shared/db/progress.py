"""How far each topic and each subject has been applied. Both move in the transaction of what was applied."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, text

from shared.db import tables
from shared.db.unit_of_work import Tx

Subject = tuple[str, str]
"""Workspace and subject: what sequences and parked records are kept by."""

_OFFSETS = select(tables.position.c.topic, tables.position.c.next_offset)
_STANDINGS = text(
    "SELECT w.workspace_id, w.subject, coalesce(v.sequence, 0) AS last, (SELECT min(p.sequence) FROM parked p"
    " WHERE p.workspace_id = w.workspace_id AND p.subject = w.subject) AS first_parked"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:subjects AS text[])) AS w (workspace_id, subject)"
    " LEFT JOIN version v USING (workspace_id, subject)"
)
# Both in one statement: it is part of every commit that applies records.
_ADVANCE = text(
    "WITH moved AS (INSERT INTO position (topic, partition, next_offset)"
    " SELECT p.topic, :partition, p.next_offset"
    " FROM unnest(CAST(:topics AS text[]), CAST(:next_offsets AS bigint[])) AS p (topic, next_offset)"
    " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset)"
    " INSERT INTO version (workspace_id, subject, sequence) SELECT v.*"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:subjects AS text[]), CAST(:sequences AS bigint[])) AS v"
    " ON CONFLICT (workspace_id, subject) DO UPDATE SET sequence = excluded.sequence"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a subject."""

    last: int
    """The last sequence applied, 0 before the first: how repeats and gaps are told from what is new."""
    first_parked: int | None
    """The lowest sequence that is parked."""


async def offsets(tx: Tx, partition: int, topics: Sequence[str]) -> Mapping[str, int]:
    """The next offset of each topic in this partition; a topic never read is missing."""
    position = tables.position.c
    rows = await tx.execute(_OFFSETS.where(position.partition == partition, position.topic.in_(topics)))
    return {row.topic: row.next_offset for row in rows}


async def standings(tx: Tx, subjects: Collection[Subject]) -> dict[Subject, Standing]:
    """What is known of each of these subjects."""
    if not subjects:
        return {}
    rows = await tx.execute(
        _STANDINGS, {"workspaces": [key[0] for key in subjects], "subjects": [key[1] for key in subjects]}
    )
    return {(row.workspace_id, row.subject): Standing(row.last, row.first_parked) for row in rows}


async def advance(
    tx: Tx, sequences: Mapping[Subject, int], partition: int, next_offsets: Mapping[str, int] | None = None
) -> None:
    """Stores last sequences, and next offsets by topic. Only the shard's holder does, under its fence."""
    if sequences or next_offsets:
        offsets_of = next_offsets or {}
        await tx.execute(
            _ADVANCE,
            {
                "partition": partition,
                "topics": list(offsets_of),
                "next_offsets": list(offsets_of.values()),
                "workspaces": [workspace_id for workspace_id, _ in sequences],
                "subjects": [subject for _, subject in sequences],
                "sequences": list(sequences.values()),
            },
        )
