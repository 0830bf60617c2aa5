"""Whom steps may tell, in PostgreSQL: who stands in on call, and whose turn it was in teams."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import text

from services.escalation.adapters import tables
from services.escalation.adapters.rosters import to_stand_in
from services.escalation.domain.stand_in import StandIn
from shared.db.sets import insert_new_set, transposed, upsert_set
from shared.db.unit_of_work import Tx

_TURN = tuple(column.name for column in tables.team_turn.columns)
_BEGIN_TURNS = insert_new_set(tables.team_turn, _TURN)
_SAVE_TURNS = upsert_set(tables.team_turn, _TURN)
_LOCK_TURNS = text(
    "SELECT t.* FROM unnest(CAST(:workspace_id AS text[]), CAST(:team AS text[])) AS w (workspace_id, team)"
    " JOIN team_turn t USING (workspace_id, team) ORDER BY 1, 2 FOR UPDATE OF t"
)
_TURNS = text("SELECT team, last_agent FROM team_turn WHERE workspace_id = :workspace")
_STAND_INS = text(
    "SELECT * FROM on_call_override WHERE workspace_id = ANY (CAST(:workspaces AS text[]))"
    " AND end_at > :start AND start_at < :until"
)


async def stand_ins(tx: Tx, workspaces: Collection[str], start: datetime, until: datetime) -> Sequence[StandIn]:
    """Those of these workspaces between two instants."""
    asked = {"workspaces": list(workspaces), "start": start, "until": until}
    return [to_stand_in(row) for row in (await tx.execute(_STAND_INS, asked)).mappings()]


async def turns(tx: Tx, workspace_id: str) -> Mapping[str, str]:
    """Who had the last turn in each team."""
    found = await tx.execute(_TURNS, {"workspace": workspace_id})
    return {row.team: row.last_agent for row in found if row.last_agent}


async def lock_turns(tx: Tx, teams: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """Who had the last turn in each team; nobody else takes one until the end of this transaction."""
    rows = [_row(key, "") for key in sorted(teams)]
    # A row to lock has to be there first.
    await tx.execute(_BEGIN_TURNS, transposed(rows, _TURN))
    found = await tx.execute(_LOCK_TURNS, transposed(rows, _TURN[:2]))
    return {(row.workspace_id, row.team): row.last_agent for row in found if row.last_agent}


async def save_turns(tx: Tx, taken: Mapping[tuple[str, str], str]) -> None:
    """Stores who had the last turn."""
    await tx.execute(_SAVE_TURNS, transposed((_row(key, taken[key]) for key in sorted(taken)), _TURN))


def _row(key: tuple[str, str], last: str) -> dict[str, object]:
    return {"workspace_id": key[0], "team": key[1], "last_agent": last}
