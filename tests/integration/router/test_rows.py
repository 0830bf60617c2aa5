"""After each step of whatever can happen to a desk, its rows in PostgreSQL say the same as the engine's memory."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from itertools import count
from typing import ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from deploy.local.stack import Stack
from services.router.adapters.rows import WORK_DECISIONS, PostgresRoutingRows
from services.router.app.command import Command
from services.router.app.configuration import RouterPart
from services.router.app.outbound import presence
from services.router.app.ports import LoggedDecision, LoggedInput
from services.router.app.run_workspace import ShardEngine
from services.router.domain import decision as d
from services.router.domain import engine, inputs
from services.router.domain.agent import Agent
from services.router.domain.due import holds
from services.router.domain.matching import RequirementClass
from services.router.domain.state import RoutingState
from services.router.domain.work_item import Offer, Ticket, WorkItem
from shared.db.engine import open_engine
from shared.db.unit_of_work import Database, Tx
from shared.errors import DomainError
from shared.events.envelope import Cause
from shared.http.idempotency import Answer
from shared.ids import SeededIds, SystemIds
from shared.vocabulary import TicketStatus
from shared.wakeups import RelaySignal
from tests.shards import SHARDS
from tests.system import Templates
from tests.unit.router.domain.desk import no_defects, ticket_id
from tests.unit.router.domain.machine import DeskMachine

T = TypeVar("T")

_NUMBERS = count()
_DERIVED = {"stamp", "scores", "profile", "items", "told"}
"""Fields that only serve the indexes, or are compared in another way."""


class Heard(PostgresRoutingRows):
    """Notes what is decided about work when it is stored."""

    def __init__(self) -> None:
        self.decisions: list[d.Decision] = []

    async def save(
        self,
        tx: Tx,
        states: Sequence[RoutingState],
        inputs: Sequence[LoggedInput],
        decisions: Sequence[LoggedDecision],
    ) -> None:
        self.decisions += [logged.decision for logged in decisions]
        await super().save(tx, states, inputs, decisions)


class RowsMachine(DeskMachine):
    """Drives a shard's engine on a real database and makes its memory anew from rows after each step."""

    runner: ClassVar[asyncio.Runner]
    database: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        self.workspace_id = f"desk-{next(_NUMBERS)}"
        self.rows = Heard()
        seeds = count()
        self.engine = ShardEngine(
            self.rows,
            self,
            SystemIds(),
            epoch=1,
            changed=lambda *_: None,
            set_aside=no_defects,
            seeds=lambda place: place.to_bytes(2, "big") + next(seeds).to_bytes(14, "big"),
        )
        self.part: RouterPart | None = None
        self.run(lambda tx: self.engine.load(tx, [self.workspace_id]))
        self.desk.state = self.engine.states[self.workspace_id]

    def now(self) -> datetime:
        """The clock of the engine."""
        return self.desk.now

    def run(self, unit: Callable[[Tx], Awaitable[T]]) -> T:
        work = self.database.transact(unit, workspaces=[self.workspace_id], is_repeatable=False)
        return self.runner.get_loop().run_until_complete(work)

    def apply(self, part: RouterPart, current: inputs.Configure | inputs.ConfigureAgents) -> None:
        self.part = part
        super().apply(part, current)
        self.part = None

    def hand(self, current: inputs.Input) -> list[d.Decision]:
        self.rows.decisions = []
        (answer,) = self.run(lambda tx: self._commit(tx, current))
        self.desk.decisions += self.rows.decisions
        if isinstance(answer, DomainError):
            raise answer
        return self.rows.decisions

    async def _commit(self, tx: Tx, current: inputs.Input) -> list[Answer | DomainError]:
        """As the engine does with an event: the input's ticket is brought, and let go of where no work is left."""
        state = self.engine.states[self.workspace_id]
        name = getattr(current, "ticket_id", None)
        if name is not None and name not in state.tickets:
            await self.rows.add_tickets(tx, self.engine.states, {self.workspace_id: [name]})
        command = Command(
            workspace_id=self.workspace_id,
            cause=Cause(),
            make=lambda _: current,
            answer=lambda _: Answer(204, b""),
            part=self.part,
            by="boss",
        )
        due = self.engine.due_workspaces()
        answers = await self.engine.apply_commands(tx, [command], due)
        state.forget([name] if name else [])
        return answers

    def status_of(self, name: str) -> TicketStatus | None:
        """Also of a ticket that memory has let go of."""
        state = RoutingState(self.workspace_id, self.desk.state.configuration)
        wanted = {self.workspace_id: [ticket_id(name)]}
        self.run(lambda tx: self.rows.add_tickets(tx, {self.workspace_id: state}, wanted))
        return state.tickets[ticket_id(name)].status

    @invariant()
    def rows_say_what_memory_does(self) -> None:
        memory, now = self.desk.state, self.desk.now
        # Loaded the next day it is what it was when something was decided last.
        later = now + timedelta(days=1)
        (loaded,) = self.run(lambda tx: PostgresRoutingRows().load(tx, [self.workspace_id], later))
        assert stored(loaded) == stored(memory)
        assert derived(loaded, now) == derived(memory, now)
        made = list(engine.run(loaded, inputs.Tick(), now, SeededIds(b"", now)))
        assert not [each for each in made if type(each).__name__ in WORK_DECISIONS]
        assert stored(loaded) == stored(memory)
        assert derived(loaded, now) == derived(memory, now)

    def teardown(self) -> None:
        """What was decided is replayed from its record elsewhere."""


def values(one: Agent | WorkItem | Ticket | Offer) -> dict[str, object]:
    """Every field that is kept."""
    return {each.name: getattr(one, each.name) for each in fields(one) if each.name not in _DERIVED}


def agent_values(agent: Agent) -> dict[str, object]:
    told = agent.told if agent.profile.partner is None else None
    assert told in (None, presence(agent)), "the world was told something else"
    return {**values(agent), "standing": agent.standing.off_duty, "items": +Counter(agent.items)}


def stored(state: RoutingState) -> dict[str, object]:
    """What rows keep."""
    return {
        "agents": {name: agent_values(agent) for name, agent in state.agents.items()},
        "retired": {name: agent_values(agent) for name, agent in state.retired.items()},
        "items": {work_id: values(item) for work_id, item in state.items.items()},
        "offers": {offer_id: values(offer) for offer_id, offer in state.offers.items()},
        "tickets": {name: values(ticket) for name, ticket in state.tickets.items()},
    }


def derived(state: RoutingState, now: datetime) -> dict[str, object]:
    """What is made of that anew: indexes of what waits, timers that still hold, openings, what is to be done."""
    return {
        "standing": {name: agent.standing for name, agent in state.agents.items()},
        "classes": {found.key: index(state, found, now) for found in state.classes.values() if found.line.count},
        "timers": {timer for timer in state.timers if holds(state, timer)},
        "openings": state.openings,
        "unsettled": [found.key for found in state.unsettled if found.line.count],
        "forsaken": list(state.forsaken),
        "reserves": state.reserves,
    }


def index(state: RoutingState, found: RequirementClass, now: datetime) -> dict[str, object]:
    """What a class knows of agents and of what waits."""
    return {
        "members": found.members,
        "unfit": +found.unfit,
        "condition": found.condition,
        "conditions": +found.conditions,
        "standing": {name: entry[0] for name, entry in found.standing.items()},
        "line": [(item.work_id, place) for item, place in found.line.in_order(state.items, now)],
        "count": found.line.count,
    }


@pytest.fixture
def rows_database(stack: Stack, templates: Templates) -> Iterator[None]:
    """A database for all desks, each of which is a workspace of its own."""
    made = stack.postgres.create_database("router", prefix="rows_", template=templates["router"])
    with asyncio.Runner() as runner:
        opened = open_engine(made.url, name="tests", pool_size=1)
        RowsMachine.runner = runner
        RowsMachine.database = Database(opened, shards=SHARDS, relaying=RelaySignal())
        yield
        runner.run(opened.dispose())
    stack.postgres.drop_database(made.name)


@pytest.mark.usefixtures("rows_database")
def test_memory_and_rows_agree_after_every_step() -> None:
    run_state_machine_as_test(
        RowsMachine,
        settings=settings(
            max_examples=int(os.environ.get("WAYPOST_ROWS_EXAMPLES", "10")),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
