"""A shard's engine on rows in memory, which go through the same conversions as PostgreSQL's."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid5

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.adapters import memory, rows, tables
from services.router.adapters.recorded import RecordedDecision, to_recorded
from services.router.adapters.row_json import from_json, to_json
from services.router.adapters.rows import PostgresRoutingRows
from services.router.app.command import Command
from services.router.app.configuration import RouterPart
from services.router.app.forgetting import WITH_WORDS, Said, forgotten_decision, forgotten_input
from services.router.app.new_version import new_version
from services.router.app.ports import LoggedDecision, LoggedInput
from services.router.app.replay import RecordedInput
from services.router.app.run_workspace import ShardEngine
from services.router.app.work_orders import OrderMessage
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from shared.db.unit_of_work import Database, Tx
from shared.errors import DomainError
from shared.events.contract import Contract
from shared.events.envelope import Cause, new_event
from shared.http.idempotency import Answer
from shared.ids import SystemIds
from tests.unit.router.domain.desk import START, no_defects

ACME = "acme"
_NAMES = UUID("01890000-0000-7000-8000-000000000000")
_KEYS = {
    name: tuple(column.name for column in table.primary_key)
    for name, table in tables.metadata.tables.items()
    if table not in (tables.decision, tables.input_log)
}

_IS_READ: Mapping[str, Callable[["MemoryRows", Mapping[str, Any]], bool]] = {
    "agent": lambda _, row: True,
    "ticket": lambda memory, row: row["work_id"] is not None and memory.is_live(row["work_id"]),
    "work_item": lambda memory, row: memory.is_live(row["work_id"]),
    "offer": lambda _, row: row["state"] == "pending",
    "reconsidering": lambda _, row: not row["is_over"],
}
"""What the queries of `memory.MEMORY` say."""


@dataclass
class MemoryRows:
    """Implements the port `RoutingRows` for one workspace. What is stored is JSON, as it would be elsewhere."""

    tables: dict[str, dict[tuple[object, ...], str]] = field(default_factory=dict)
    configuration: tuple[int, object] | None = None
    decided: list[RecordedDecision] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    orders: list[OrderMessage] = field(default_factory=list)

    async def load(self, tx: Tx, workspaces: Collection[str], now: datetime) -> list[RoutingState]:
        state = memory.empty(ACME, self.configuration)
        for source in memory.MEMORY:
            for row in self._rows(source.table):
                if _IS_READ[source.table.name](self, row):
                    source.put(state, row)
        memory.complete(state, self.log[-1]["decided_at"] if self.log else now)
        return [state]

    async def add_tickets(
        self, tx: Tx, states: Mapping[str, RoutingState], tickets: Mapping[str, Collection[UUID]]
    ) -> None:
        for row in self._rows(tables.ticket):
            if row["ticket_id"] in tickets[ACME]:
                states[ACME].tickets[row["ticket_id"]] = memory.to_ticket(row)

    async def offer_exists(self, tx: Tx, workspace_id: str, offer_id: UUID, agent_id: str | None) -> bool:
        return False

    async def save(
        self,
        tx: Tx,
        states: Sequence[RoutingState],
        inputs: Sequence[LoggedInput],
        decisions: Sequence[LoggedDecision],
    ) -> None:
        for table, changed in rows.rows_of(states, inputs, decisions):
            for row in changed:
                self._write(table, row)

    async def forget_words(self, tx: Tx, tickets: Collection[tuple[str, UUID]]) -> None:
        about = {ticket_id for _, ticket_id in tickets}
        of = {d.record["offer_id"]: d.ticket_id for d in self.decided if d.record.get("offer_id")}
        said: dict[UUID, list[Said]] = {}
        for row in self.log:
            payload = row["payload"]
            named = payload.get("ticket_id") or of.get(payload.get("offer_id"))
            ticket_id = UUID(str(named)) if named else None
            if row["kind"] in WITH_WORDS and ticket_id in about:
                said.setdefault(ticket_id, []).append(Said(row["decided_at"], payload))
                row["payload"] = forgotten_input(payload)
        self.decided = [
            replace(
                each, record=forgotten_decision(each.kind, each.record, each.decided_at, found, is_orphan=False)
            )
            if (found := said.get(each.ticket_id)) is not None
            else each
            for each in self.decided
        ]

    async def add_order_messages(self, tx: Tx, messages: Sequence[OrderMessage]) -> None:
        self.orders += messages

    async def save_configuration(self, tx: Tx, workspace_id: str, version: int, part: RouterPart, by: str) -> None:
        self.configuration = version, json.loads(json.dumps(part.model_dump(mode="json")))

    def is_live(self, work_id: UUID) -> bool:
        stored = self.tables.get("work_item", {}).get((ACME, work_id))
        return stored is not None and json.loads(stored)["state"] in ("queued", "offered", "assigned", "wrapping")

    async def inputs(self, after: int, until: int) -> AsyncIterator[RecordedInput]:
        for row in self.log[after:until]:
            yield to_recorded(row)

    async def decisions(self, after: int, until: int) -> AsyncIterator[RecordedDecision]:
        for decision in self.decided[after:until]:
            yield decision

    def _rows(self, table: Table) -> Iterable[Mapping[str, Any]]:
        return [from_json(table, json.loads(row)) for _, row in sorted(self.tables.get(table.name, {}).items())]

    def _write(self, table: Table, row: dict[str, Any]) -> None:
        if table is tables.decision:
            number = len(self.decided) + 1
            record = json.loads(row["record"])
            named = (row["decided_at"], row["ticket_id"], row["work_id"], row["kind"])
            self.decided.append(RecordedDecision(number, *named, record))
        elif table is tables.input_log:
            stored = {name: json.loads(row[name] or "null") for name in ("payload", "brought")}
            self.log.append({**row, **stored, "id": len(self.log) + 1})
        else:
            key = tuple(row[name] for name in _KEYS[table.name])
            self.tables.setdefault(table.name, {})[key] = json.dumps(to_json(table, row))


Unit = Callable[[Tx], Awaitable[object]]


class Hall:
    """One workspace's engine, its rows and its clock.

    database: in which the rows are, if not in memory
    """

    def __init__(self, database: Database | None = None) -> None:
        self.now_ = START
        self.database = database
        self.rows = MemoryRows()
        kept = PostgresRoutingRows() if database else self.rows
        self.engine = ShardEngine(kept, self, SystemIds(), epoch=1, changed=lambda *_: None, set_aside=no_defects)
        self.sequence = 0
        self.told: list[Contract] = []

    def now(self) -> datetime:
        """The clock of the engine."""
        return self.now_

    @property
    def state(self) -> RoutingState:
        return self.engine.states[ACME]

    async def load(self) -> None:
        """Makes the memory anew, as a process does that takes the shard."""
        await self._transact(lambda tx: self.engine.load(tx, [ACME]))

    async def happens(self, *happened: Contract, fails: bool = False) -> None:
        """Events of other services, in one commit; one that fails leaves nothing."""
        events = []
        for data in happened:
            self.sequence += 1
            events.append(
                new_event(
                    data,
                    event_id=uuid5(_NAMES, str(self.sequence)),
                    service="tests",
                    workspace_id=ACME,
                    sequence=self.sequence,
                    time=self.now_,
                    cause=Cause(),
                )
            )
        await self._commit(lambda tx: self.engine.apply_events(tx, events), fails)

    async def asked(
        self, *asked: inputs.Input | Callable[[RoutingState], inputs.Input], fails: bool = False
    ) -> list[Answer | DomainError]:
        """Commands, in one commit together with what is due; their answers."""
        commands = [_command(each) for each in asked]
        answers: list[Answer | DomainError] = []

        async def unit(tx: Tx) -> None:
            answers.extend(await self.engine.apply_commands(tx, commands, self.engine.due_workspaces()))

        await self._commit(unit, fails)
        return answers

    async def configured(self, part: RouterPart, *, is_whole: bool = False) -> None:
        """A new configuration is applied. is_whole: it is logged as a whole, whatever differs"""
        base, before = self.rows.configuration or (0, {})
        wanted = new_version(base, RouterPart.model_validate(before), part)

        def make(state: RoutingState) -> inputs.Input:
            return (replace(wanted, agents=None) if is_whole else wanted).input(state)

        command = Command(
            workspace_id=ACME, cause=Cause(), make=make, answer=lambda _: Answer(204, b""), part=part, by="boss"
        )
        await self._commit(lambda tx: self.engine.apply_commands(tx, [command], ()), fails=False)

    async def _commit(self, unit: Unit, fails: bool) -> None:
        if self.engine.is_stale:
            await self.load()
        if fails:
            before = self._copy()
            await unit(_tx())
            self.rows.tables, self.rows.decided, self.rows.log = before
        else:
            await self._transact(unit)

    async def _transact(self, unit: Unit) -> None:
        if self.database is not None:
            await self.database.transact(unit, workspaces=[ACME], is_repeatable=False)
            return
        tx = _tx()
        await unit(tx)
        self.told += [cast("Contract", event.data) for event in tx.outbox]
        for action in tx.committed:
            action()

    def _copy(
        self,
    ) -> tuple[dict[str, dict[tuple[object, ...], str]], list[RecordedDecision], list[dict[str, Any]]]:
        kept = {name: dict(rows) for name, rows in self.rows.tables.items()}
        return kept, list(self.rows.decided), list(self.rows.log)


def _command(asked: inputs.Input | Callable[[RoutingState], inputs.Input]) -> Command:
    def make(state: RoutingState) -> inputs.Input:
        return asked(state) if callable(asked) else asked

    return Command(workspace_id=ACME, cause=Cause(), make=make, answer=lambda _: Answer(204, b""))


def _tx() -> Tx:
    return Tx(cast("AsyncConnection", None), timedelta())
