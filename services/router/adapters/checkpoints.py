"""Whole routing states as they were, to replay from, so that what led to them need not be kept for ever.

A checkpoint is what the engine's memory is made from, dumped from rows in one snapshot of the database: nobody
waits for it. The place in the record up to which its rows have come is read in the same snapshot.
"""

import asyncio
import json
import zlib
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import insert, select, text

from services.router.adapters import tables
from services.router.adapters.memory import MEMORY, complete, empty
from services.router.adapters.recorded import END, Place
from services.router.adapters.row_json import from_json
from services.router.app.replay import blank
from services.router.domain.state import RoutingState
from shared.db import configuration
from shared.db.unit_of_work import Database, Tx
from shared.errors import Unavailable

EVERY = timedelta(days=1)
"""How old the last checkpoint of a workspace gets in which something happens."""

_AFTER = 10_000
"""How many inputs a workspace has before its next checkpoint; as many as that had rows, where those were more."""
_ROWS = 1_000
"""Rows in one part."""
_PARTS = 10
"""Parts that are read at once."""

_DUE = text(
    "SELECT w.workspace_id FROM unnest(CAST(:workspaces AS text[])) AS w (workspace_id)"
    " LEFT JOIN LATERAL (SELECT input_id, taken_at, rows FROM checkpoint"
    " WHERE workspace_id = w.workspace_id ORDER BY input_id DESC LIMIT 1) c ON true"
    " JOIN LATERAL (SELECT count(*) AS n FROM (SELECT 1 FROM input_log"
    " WHERE workspace_id = w.workspace_id AND id > COALESCE(c.input_id, 0)"
    " LIMIT GREATEST(CAST(:after AS integer), c.rows)) few) i ON true"
    " WHERE i.n >= GREATEST(CAST(:after AS integer), c.rows) OR (i.n > 0 AND COALESCE(c.taken_at < :before, true))"
    " ORDER BY w.workspace_id"
)
_ORIGIN = text(
    "INSERT INTO checkpoint (workspace_id, input_id, decision_id, taken_at, rows)"
    " SELECT workspace_id, 0, 0, decided_at, 0 FROM input_log WHERE workspace_id = :workspace"
    " AND NOT EXISTS (SELECT 1 FROM checkpoint WHERE workspace_id = :workspace) ORDER BY id LIMIT 1"
)
_DUMPS = [
    (source, text(f"SELECT row_to_json(r)::text FROM ({source.query.text}) r"))  # noqa: S608 - our own queries
    for source in MEMORY
]
_BEFORE = text(
    "SELECT input_id, decision_id, taken_at FROM checkpoint WHERE workspace_id = :workspace"
    " AND taken_at <= :at ORDER BY input_id DESC LIMIT 1"
)
_FIRST = text(
    "SELECT input_id, decision_id, taken_at FROM checkpoint WHERE workspace_id = :workspace"
    " ORDER BY input_id LIMIT 1"
)
_BEFORE_DECISION = text(
    "SELECT input_id, decision_id, rows FROM checkpoint WHERE workspace_id = :workspace"
    " AND decision_id < :decision_id ORDER BY input_id DESC LIMIT 1"
)
_PARTS_OF = text(
    "SELECT part, body FROM checkpoint_part WHERE workspace_id = :workspace AND input_id = :input_id"
    " AND part > :after ORDER BY part LIMIT :most"
)


class Checkpoints:
    """The checkpoints of workspaces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, workspaces: Collection[str]) -> list[str]:
        """Workspaces that have had so many inputs, or for so long, since their last checkpoint."""

        async def unit(tx: Tx) -> list[str]:
            names = {"workspaces": sorted(workspaces), "after": _AFTER, "before": await tx.now() - EVERY}
            return list((await tx.execute(_DUE, names)).scalars())

        return await self._database.transact(unit, workspaces=workspaces)

    async def take(self, workspace_id: str, *, is_over: Callable[[], bool] = lambda: False) -> Place | None:
        """Stores the workspace's state as it is now; the place in its record. None where nothing has happened.

        is_over: whether to give up in the middle, which raises Unavailable: a large workspace takes a minute
        """

        async def unit(tx: Tx) -> Place | None:
            await tx.take_time()
            row = (await tx.execute(END, {"workspace": workspace_id})).one()
            if row.input_id is None:
                return None
            await tx.execute(_ORIGIN, {"workspace": workspace_id})
            place = Place(row.input_id, row.decision_id or 0)
            count = await _store_parts(tx, workspace_id, place, is_over)
            await tx.execute(
                insert(tables.checkpoint).values(
                    workspace_id=workspace_id,
                    input_id=place.input_id,
                    decision_id=place.decision_id,
                    taken_at=row.decided_at,
                    rows=count,
                )
            )
            return place

        return await self._database.transact(unit, workspaces=[workspace_id], is_snapshot=True)

    async def start(self, workspace_id: str, at: datetime | None = None) -> Place:
        """The last checkpoint before a moment, or the first that is kept; the beginning where there is none."""

        async def unit(tx: Tx) -> Place:
            row = None
            if at is not None:
                row = (await tx.execute(_BEFORE, {"workspace": workspace_id, "at": at})).first()
            row = row or (await tx.execute(_FIRST, {"workspace": workspace_id})).first()
            return Place(row.input_id, row.decision_id) if row else Place(0, 0)

        return await self._database.transact(unit, workspaces=[workspace_id])

    async def before(self, workspace_id: str, decision_id: int) -> tuple[Place, int]:
        """The last checkpoint before a decision, and how many rows it has; the beginning where there is none."""

        async def unit(tx: Tx) -> tuple[Place, int]:
            names = {"workspace": workspace_id, "decision_id": decision_id}
            row = (await tx.execute(_BEFORE_DECISION, names)).first()
            return (Place(row.input_id, row.decision_id), row.rows) if row else (Place(0, 0), 0)

        return await self._database.transact(unit, workspaces=[workspace_id])

    async def state(self, workspace_id: str, place: Place) -> RoutingState:
        """The state at a checkpoint, made anew each time. Raises Conflict where rows do not fit this release."""
        if not place.input_id:
            return blank(workspace_id)
        taken_at = await self._taken_at(workspace_id, place)
        state: RoutingState | None = None
        after = -1
        while bodies := await self._parts(workspace_id, place, after):
            after += len(bodies)
            state = await asyncio.to_thread(_put, workspace_id, state, bodies)
        assert state is not None, "a checkpoint is stored whole"
        await asyncio.to_thread(complete, state, taken_at)
        return state

    async def _taken_at(self, workspace_id: str, place: Place) -> datetime:
        t = tables.checkpoint.c
        query = select(t.taken_at).where(t.workspace_id == workspace_id, t.input_id == place.input_id)

        async def unit(tx: Tx) -> datetime:
            at: datetime = (await tx.execute(query)).scalar_one()
            return at

        return await self._database.transact(unit, workspaces=[workspace_id])

    async def _parts(self, workspace_id: str, place: Place, after: int) -> list[bytes]:
        async def unit(tx: Tx) -> list[bytes]:
            names = {"workspace": workspace_id, "input_id": place.input_id, "after": after, "most": _PARTS}
            return [row.body for row in await tx.execute(_PARTS_OF, names)]

        return await self._database.transact(unit, workspaces=[workspace_id])


def _put(workspace_id: str, state: RoutingState | None, bodies: Iterable[bytes]) -> RoutingState:
    """Puts the rows of some parts into memory, which the first part makes."""
    for body in bodies:
        table, *lines = zlib.decompress(body).decode().split("\n")
        if state is None:
            stored = json.loads(lines[0])
            state = empty(workspace_id, tuple(stored) if stored else None)
            continue
        source = next(source for source in MEMORY if source.table.name == table)
        for line in lines:
            source.put(state, from_json(source.table, json.loads(line)))
    assert state is not None, "parts are not empty"
    return state


async def _store_parts(tx: Tx, workspace_id: str, place: Place, is_over: Callable[[], bool]) -> int:
    """Stores the configuration and the rows that memory is made from, a few at a time; how many rows."""
    stored = (await configuration.load(tx, [workspace_id])).get(workspace_id)
    await _store(tx, workspace_id, place, 0, ["configuration", json.dumps(stored)])
    number = count = 0
    for source, dump in _DUMPS:
        rows = await tx.connection.stream(dump, {"workspaces": [workspace_id]})
        async for some in rows.scalars().partitions(_ROWS):
            if is_over():
                raise Unavailable("There is no time for a checkpoint now.")
            number += 1
            count += len(some)
            await _store(tx, workspace_id, place, number, [source.table.name, *some])
    return count


async def _store(tx: Tx, workspace_id: str, place: Place, number: int, lines: Iterable[str]) -> None:
    body = await asyncio.to_thread(zlib.compress, "\n".join(lines).encode(), 1)
    await tx.execute(
        insert(tables.checkpoint_part).values(
            workspace_id=workspace_id, input_id=place.input_id, part=number, body=body
        )
    )
