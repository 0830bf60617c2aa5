"""What the engine was given and what it decided, read in portions: a record may be long."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, TextClause, text

from services.router.adapters import tables
from services.router.adapters.logged import to_input
from services.router.adapters.memory import Row, to_ticket
from services.router.adapters.row_json import from_json
from services.router.app.replay import RecordedInput
from shared.db.unit_of_work import Database, Tx

_PORTION = 2_000
_BYTES = 1_000_000
"""Of inputs that are read at once, as they are stored: a configuration of 15,000 agents is half of it."""
_LAST = 2**63 - 1

END = text(
    "SELECT i.id AS input_id, i.decided_at,"
    " (SELECT max(id) FROM decision WHERE workspace_id = :workspace) AS decision_id"
    " FROM (SELECT 1) AS one LEFT JOIN LATERAL"
    " (SELECT id, decided_at FROM input_log WHERE workspace_id = :workspace ORDER BY id DESC LIMIT 1) i ON true"
)
_INPUTS = text(
    "SELECT id, decided_at, seed, kind, payload, brought, decisions FROM"
    " (SELECT *, sum(pg_column_size(payload)) OVER (ORDER BY id) - pg_column_size(payload) AS before FROM"
    " (SELECT id, decided_at, seed, kind, payload, brought, decisions FROM input_log"
    " WHERE workspace_id = :workspace AND id > :after AND id <= :until ORDER BY id LIMIT :most) few) sized"
    " WHERE before < :bytes ORDER BY id"
)
_DECISIONS = text(
    "SELECT id, decided_at, ticket_id, work_id, kind, record FROM decision"
    " WHERE workspace_id = :workspace AND id > :after AND id <= :until ORDER BY id LIMIT :most"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the record: the last input and the last decision before it."""

    input_id: int
    decision_id: int


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """A decision as it was recorded."""

    decision_id: int
    decided_at: datetime
    ticket_id: UUID
    work_id: UUID | None
    kind: str
    record: dict[str, object]


def to_recorded(row: Row) -> RecordedInput:
    """An input of a row of the log."""
    brought = row["brought"]
    return RecordedInput(
        input_id=row["id"],
        decided_at=row["decided_at"],
        seed=row["seed"],
        current=to_input(row["kind"], row["payload"]),
        brought=to_ticket(from_json(tables.ticket, brought)) if brought else None,
        decisions=row["decisions"],
    )


class Recording:
    """A workspace's input log and its decisions."""

    def __init__(self, database: Database, workspace_id: str) -> None:
        self._database = database
        self.workspace_id = workspace_id

    async def end(self) -> Place:
        """Where the record ends now; both zero where there is none."""

        async def unit(tx: Tx) -> Place:
            row = (await tx.execute(END, {"workspace": self.workspace_id})).one()
            return Place(row.input_id or 0, row.decision_id or 0)

        return await self._database.transact(unit, workspaces=[self.workspace_id])

    async def inputs(self, after: int, until: int) -> AsyncIterator[RecordedInput]:
        """Inputs in their order. after, until: ids, the last one included."""
        async for row in self._rows(_INPUTS, after, until):
            yield to_recorded(row)

    async def pages(self, after: int, most: int, *, most_bytes: int = _BYTES) -> AsyncIterator[list[RowMapping]]:
        """Rows of the log in their order, so many at once; `to_recorded` makes inputs of them.

        most_bytes: no more once what was read takes so many, as it is stored
        """

        async def unit(tx: Tx) -> list[RowMapping]:
            names = {"workspace": self.workspace_id, "after": after, "until": _LAST, "most": most}
            names["bytes"] = most_bytes
            return list((await tx.execute(_INPUTS, names)).mappings())

        while rows := await self._database.transact(unit, workspaces=[self.workspace_id]):
            after = rows[-1]["id"]
            yield rows

    async def decisions(self, after: int, until: int) -> AsyncIterator[RecordedDecision]:
        """Decisions in their order. after, until: ids, the last one included."""
        async for row in self._rows(_DECISIONS, after, until):
            yield RecordedDecision(
                row["id"], row["decided_at"], row["ticket_id"], row["work_id"], row["kind"], row["record"]
            )

    async def _rows(self, query: TextClause, after: int, until: int) -> AsyncIterator[RowMapping]:
        async def unit(tx: Tx) -> deque[RowMapping]:
            names = {"workspace": self.workspace_id, "after": after, "until": until, "most": _PORTION}
            names["bytes"] = _BYTES
            return deque((await tx.execute(query, names)).mappings().all())

        while rows := await self._database.transact(unit, workspaces=[self.workspace_id]):
            after = rows[-1]["id"]
            while rows:
                yield rows.popleft()
