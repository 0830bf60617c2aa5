"""The last sequence applied of each subject: how repeats and gaps are told from what is new."""

from collections.abc import Collection, Mapping

from sqlalchemy import text

from shared.db import tables
from shared.db.sets import transposed, upsert_set
from shared.db.unit_of_work import Tx

Subject = tuple[str, str]
"""Workspace and subject."""

_COLUMNS = ("workspace_id", "subject", "sequence")
_SAVE = upsert_set(tables.version, _COLUMNS)
_LOAD = text(
    "SELECT v.workspace_id, v.subject, v.sequence"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:subjects AS text[])) AS w (workspace_id, subject)"
    " JOIN version v USING (workspace_id, subject)"
)


async def load(tx: Tx, subjects: Collection[Subject]) -> dict[Subject, int]:
    """Last sequences; a subject never seen is missing."""
    if not subjects:
        return {}
    workspaces, names = zip(*subjects, strict=True)
    rows = await tx.execute(_LOAD, {"workspaces": list(workspaces), "subjects": list(names)})
    return {(row.workspace_id, row.subject): row.sequence for row in rows}


async def save(tx: Tx, sequences: Mapping[Subject, int]) -> None:
    """Stores last sequences. Only the shard's holder does, under its fence."""
    if sequences:
        rows = [
            {"workspace_id": workspace_id, "subject": subject, "sequence": sequence}
            for (workspace_id, subject), sequence in sequences.items()
        ]
        await tx.execute(_SAVE, transposed(rows, _COLUMNS))
