"""What a shard's engine keeps in memory, and what it lets go of, on a real database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from deploy.local.stack import Stack
from services.router.adapters.rows import PostgresRoutingRows
from services.router.app.command import Command
from services.router.app.configuration import RouterPart, to_configuration
from services.router.app.run_workspace import ShardEngine
from services.router.domain import inputs
from services.router.domain.hours import OffDuty, Standing
from shared.clock import SystemClock
from shared.db.engine import open_engine
from shared.db.unit_of_work import Database, Tx
from shared.events.contract import Contract
from shared.events.envelope import Cause, Event, new_event
from shared.events.escalations import EscalationRaisedV2, Requeue, SlaClockStartedV1
from shared.events.tickets import CustomerFacts, ReplySentV1, TicketFacts, TicketOpenedV1, TicketStatusChangedV1
from shared.http.idempotency import Answer
from shared.ids import SystemIds
from shared.vocabulary import (
    ActorKind,
    AgentState,
    AuthorKind,
    ChannelKind,
    Priority,
    Purpose,
    SlaMetric,
    TicketStatus,
)
from shared.wakeups import RelaySignal
from tests.eventually import eventually
from tests.integration.router.floor import CONFIGURATION, NAMES
from tests.integration.router.hours import absence
from tests.shards import SHARDS
from tests.system import Templates
from tests.unit.router.domain.desk import no_defects

ACME = "acme"
TICKET = uuid5(NAMES, "solved")


@dataclass
class Bench:
    """An engine of one workspace, to be given inputs directly."""

    engine: ShardEngine
    database: Database
    sequence: int = 0

    async def commit(self, unit: Callable[[Tx], Awaitable[object]]) -> None:
        await self.database.transact(unit, workspaces=[ACME], is_repeatable=False)

    async def happens(self, data: Contract) -> None:
        self.sequence += 1
        await self.commit(lambda tx: self.engine.apply_events(tx, [self._event(data)]))

    async def configured(self, part: RouterPart) -> None:
        await self.commanded(inputs.Configure(configuration=to_configuration(1, part)), part)

    async def commanded(self, current: inputs.Input, part: RouterPart | None = None) -> None:
        command = Command(
            workspace_id=ACME,
            cause=Cause(),
            make=lambda _: current,
            answer=lambda _: Answer(204, b""),
            part=part,
        )
        await self.commit(lambda tx: self.engine.apply_commands(tx, [command], ()))

    async def asked(self, current: inputs.Input) -> None:
        command = Command(
            workspace_id=ACME, cause=Cause(), make=lambda _: current, answer=lambda _: Answer(204, b"")
        )
        await self.commit(lambda tx: self.engine.apply_commands(tx, [command], ()))

    def tickets(self) -> list[UUID]:
        return list(self.engine.states[ACME].tickets)

    def line(self) -> list[UUID]:
        """The tickets of everything that waits, in the order in which one agent gets it."""
        state = self.engine.states[ACME]
        now = datetime.now(UTC) + timedelta(minutes=1)
        (found,) = [each for each in state.classes.values() if each.line.count]
        return [item.ticket_id for item, _ in found.line.in_order(state.items, now)]

    def _event(self, data: Contract) -> Event:
        return new_event(
            data,
            event_id=uuid5(NAMES, f"{data.subject}/{self.sequence}"),
            service="intake",
            workspace_id=ACME,
            sequence=self.sequence,
            time=datetime.now(UTC),
            cause=Cause(),
        )


@pytest.fixture
async def bench(stack: Stack, templates: Templates) -> AsyncIterator[Bench]:
    template = await asyncio.to_thread(templates.__getitem__, "router")
    made = await asyncio.to_thread(stack.postgres.create_database, "router", prefix="memory_", template=template)
    opened = open_engine(made.url, name="tests", pool_size=2)
    database = Database(opened, shards=SHARDS, relaying=RelaySignal())
    engine = ShardEngine(
        PostgresRoutingRows(),
        SystemClock(),
        SystemIds(),
        epoch=1,
        changed=lambda *_: None,
        set_aside=no_defects,
    )
    bench = Bench(engine, database)
    await bench.commit(lambda tx: engine.load(tx, [ACME]))
    await bench.configured(RouterPart.model_validate(CONFIGURATION))
    yield bench
    await opened.dispose()
    await asyncio.to_thread(stack.postgres.drop_database, made.name)


def opened(ticket_id: UUID, *, labels: dict[str, str] | None = None) -> TicketOpenedV1:
    return TicketOpenedV1(
        ticket_id=ticket_id,
        ticket_number=1,
        facts=TicketFacts(
            channel="mail",
            channel_kind=ChannelKind.EMAIL,
            customer=CustomerFacts(customer_id=uuid5(NAMES, "customer"), tier="standard"),
            labels=labels or {},
            priority=Priority.NORMAL,
            language="en",
        ),
        opened_by=ActorKind.CUSTOMER,
        received_at=datetime.now(UTC),
    )


def clock(ticket_id: UUID, *, target: timedelta, left: timedelta) -> SlaClockStartedV1:
    due_at = datetime.now(UTC) + left
    return SlaClockStartedV1(
        clock_id=uuid5(ticket_id, "clock"),
        ticket_id=ticket_id,
        metric=SlaMetric.FIRST_REPLY,
        generation=1,
        policy="all",
        policy_version=1,
        target_s=target.total_seconds(),
        started_at=due_at - target,
        due_at=due_at,
    )


async def test_whose_leave_has_begun_while_nobody_looked_is_asked_for_nothing(bench: Bench) -> None:
    leave = absence(2, 60)
    agents = [{"id": "ann", "queues": ["general"], "skills": {"german": 4}, "time_off": [leave]}]
    await bench.configured(RouterPart.model_validate({**CONFIGURATION, "agents": agents}))
    await bench.commanded(
        inputs.SetAgentState(agent_id="ann", state=AgentState.AVAILABLE, reason=None),
    )
    begins_at = datetime.fromisoformat(leave["start"]).replace(tzinfo=UTC)
    assert bench.engine.states[ACME].agents["ann"].standing == Standing(off_duty=None, until=begins_at)
    await eventually(lambda: datetime.now(UTC) > begins_at)
    await bench.commit(lambda tx: bench.engine.load(tx, [ACME]))
    await bench.happens(opened(TICKET))
    state = bench.engine.states[ACME]
    assert (state.agents["ann"].standing.off_duty, state.offers) == (OffDuty.TIME_OFF, {})
    await bench.commit(lambda tx: bench.engine.load(tx, [ACME]))
    assert bench.engine.states[ACME].agents["ann"].standing == state.agents["ann"].standing


async def test_what_happens_to_a_solved_ticket_does_not_bring_it_back_into_memory(bench: Bench) -> None:
    await bench.happens(opened(TICKET))
    assert bench.tickets() == [TICKET]
    await bench.happens(
        TicketStatusChangedV1(
            ticket_id=TICKET,
            previous=TicketStatus.NEW,
            status=TicketStatus.SOLVED,
            cause="set",
            actor_kind=ActorKind.AGENT,
        )
    )
    assert bench.tickets() == []
    await bench.happens(
        ReplySentV1(
            ticket_id=TICKET,
            message_id=uuid5(NAMES, "reply"),
            channel="mail",
            channel_kind=ChannelKind.EMAIL,
            author_kind=AuthorKind.AGENT,
            author_id="ann",
            purpose=Purpose.REPLY,
        )
    )
    assert bench.tickets() == []
    await bench.happens(
        EscalationRaisedV2(
            escalation_id=uuid5(NAMES, "escalation"),
            ticket_id=TICKET,
            policy="late",
            policy_version=1,
            level=1,
            step=1,
            trigger="sla.breached",
            metric=None,
            action=Requeue(support_tier=2),
        )
    )
    assert bench.tickets() == []


async def test_clocks_and_what_was_expedited_keep_their_places_when_memory_is_made_anew(bench: Bench) -> None:
    vip = {"id": "vip", "when": "has(ticket.labels.vip)", "queue": "general", "expedite": True}
    part = {
        "queues": [{"id": "general", "order": "sla_urgency"}],
        "policy": {"rules": [vip], "default": {"queue": "general", "tier_mode": "exact"}},
    }
    await bench.configured(RouterPart.model_validate(part))
    names = [uuid5(NAMES, f"waits/{number}") for number in range(6)]
    for number, ticket_id in enumerate(names):
        if number % 2:
            target = timedelta(hours=number)
            await bench.happens(clock(ticket_id, target=target, left=target / (number + 1)))
            assert bench.tickets() == names[:number], "what is not known yet stays in its row"
        await bench.happens(opened(ticket_id, labels={"vip": "yes"} if number == 4 else {}))
    order = [names[number] for number in (4, 5, 3, 1, 0, 2)]
    assert bench.line() == order
    await bench.commit(lambda tx: bench.engine.load(tx, [ACME]))
    assert bench.line() == order


async def test_what_is_held_for_an_agent_is_held_when_memory_is_made_anew(bench: Bench) -> None:
    part = {
        **CONFIGURATION,
        "limits": {"email": {"cost": 100, "most": 1}},
        "policy": {"default": {"queue": "general", "preferred_agent": {"agent": "bob", "wait": "1h"}}},
    }
    await bench.configured(RouterPart.model_validate(part))
    available = inputs.SetAgentState(agent_id="bob", state=AgentState.AVAILABLE, reason=None)
    await bench.asked(available)
    await bench.happens(opened(uuid5(NAMES, "first")))
    await bench.happens(opened(uuid5(NAMES, "second")))
    held = {work_id: item.held_until for work_id, item in bench.engine.states[ACME].items.items()}
    assert [until is not None for until in held.values()] == [False, True]
    await bench.commit(lambda tx: bench.engine.load(tx, [ACME]))
    state = bench.engine.states[ACME]
    assert {work_id: item.held_until for work_id, item in state.items.items()} == held
    assert [found.only and found.only.agent_id for found in state.classes.values() if found.line.count] == ["bob"]
    await bench.asked(inputs.SetAgentState(agent_id="bob", state=AgentState.OFFLINE, reason=None))
    assert not any(item.held_until for item in bench.engine.states[ACME].items.values())
