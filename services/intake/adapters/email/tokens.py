"""Tokens that may be used once, in PostgreSQL."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text

from services.intake.adapters.email import tables
from shared.db.sets import insert_new_set
from shared.db.unit_of_work import Tx

TokenKey = tuple[str, str, str]
"""Workspace, channel and token."""

_COLUMNS = ("workspace_id", "channel", "token", "sha256", "raw_id")
_ADD = insert_new_set(tables.used_token, _COLUMNS)
_FIND = text(
    "SELECT t.* FROM unnest(CAST(:workspace_id AS text[]), CAST(:channel AS text[]), CAST(:token AS text[]))"
    " AS w (workspace_id, channel, token) JOIN used_token t USING (workspace_id, channel, token)"
)


async def use_tokens(tx: Tx, tokens: Mapping[TokenKey, tuple[bytes, UUID]]) -> dict[TokenKey, tuple[bytes, UUID]]:
    """Uses up these tokens; what each was used with, now or before, and the id of that."""
    if not tokens:
        return {}
    ordered = sorted(tokens)
    named: dict[str, list[object]] = {
        name: [key[number] for key in ordered] for number, name in enumerate(_COLUMNS[:3])
    }
    values = [tokens[key] for key in ordered]
    await tx.execute(
        _ADD, {**named, "sha256": [value[0] for value in values], "raw_id": [value[1] for value in values]}
    )
    rows = await tx.execute(_FIND, named)
    return {(row.workspace_id, row.channel, row.token): (row.sha256, row.raw_id) for row in rows}
