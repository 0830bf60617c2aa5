"""Who does not want to be written to, in PostgreSQL."""

from collections.abc import Collection

from sqlalchemy import text

from services.intake.domain.message import Identity, IdentityKind
from shared.db.unit_of_work import Tx

Asked = tuple[str, str, Identity]
"""Workspace, channel and who is to be written to."""

_OPTED_OUT = text(
    "SELECT o.workspace_id, o.channel, o.kind, o.value"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:channels AS text[]), CAST(:kinds AS text[]),"
    " CAST(:values AS text[])) AS w (workspace_id, channel, kind, value)"
    " JOIN opt_out o USING (workspace_id, channel, kind, value)"
)


async def opted_out(tx: Tx, asked: Collection[Asked]) -> set[Asked]:
    """Those of these who want no messages by the channel."""
    if not asked:
        return set()
    rows = await tx.execute(
        _OPTED_OUT,
        {
            "workspaces": [one[0] for one in asked],
            "channels": [one[1] for one in asked],
            "kinds": [one[2].kind.value for one in asked],
            "values": [one[2].value for one in asked],
        },
    )
    return {
        (row.workspace_id, row.channel, Identity(kind=IdentityKind(row.kind), value=row.value)) for row in rows
    }
