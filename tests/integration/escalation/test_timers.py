"""Deadlines: at once, once, in order, and only when nothing unread can undo them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from services.escalation.adapters import timers
from shared.clock import monotonic
from shared.db.unit_of_work import Tx
from shared.kafka.client import Producer
from shared.vocabulary import TicketStatus
from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, Ear, Json, check_sequences, short, target
from tests.scribe import uid
from tests.shards import SHARDS, shard_of
from tests.system import System, Templates, start

S = TicketStatus


def late_s(breach: Json) -> float:
    data = breach["data"]
    fired_at, due_at = (datetime.fromisoformat(data[name]) for name in ("fired_at", "due_at"))
    return (fired_at - due_at).total_seconds()


async def witness(desk: Desk, due_at: datetime) -> float:
    """How many seconds late one comes who only sleeps until then, and asks the database for the time."""
    await asyncio.sleep((due_at - desk.now()).total_seconds())
    database = desk.system.services["escalation"].runtime.database
    return max((await database.transact(lambda tx: tx.now()) - due_at).total_seconds(), 0)


async def test_a_deadline_fires_at_once_and_never_early(desk: Desk) -> None:
    await desk.promise(target("first_reply", "15s"))
    await desk.warm_up()
    for number in range(5):
        desk.opened(f"t{number}", -13 + number / 10)
    await desk.tell()
    witnesses = []
    for number in range(5):
        clock = await desk.clock(f"t{number}", "first_reply", state="running")
        witnesses.append(asyncio.create_task(witness(desk, datetime.fromisoformat(clock["due_at"]))))
    for number in range(5):
        _, breach = await desk.hears(f"t{number}", "sla.clock_started", "sla.breached")
        assert 0 <= late_s(breach) < 0.5 + await witnesses[number]
        assert (breach["data"]["cause"], breach["data"]["is_provisional"]) == ("time", False)
        assert not breach["data"]["is_late"]
        clock = await desk.clock(f"t{number}", "first_reply", state="breached")
        assert datetime.fromisoformat(clock["breached_at"]) == datetime.fromisoformat(breach["data"]["due_at"])
    metrics = await desk.http.get("/metrics")
    assert 'waypost_timer_lateness_seconds_count{kind="breach"}' in metrics.text


async def test_each_level_warns_once_and_of_those_that_passed_only_the_highest(desk: Desk) -> None:
    await desk.promise(target("first_reply", "10h", warn_at_percent=[50, 60, 90]))
    desk.opened("t", -7 * 3600)
    await desk.tell()
    started, first = await desk.hears("t", "sla.clock_started", "sla.warned")
    await desk.system.travel(timedelta(hours=2.5))
    *_, second = await desk.hears("t", "sla.clock_started", "sla.warned", "sla.warned")
    await desk.system.travel(timedelta(hours=1))
    *_, breach = await desk.hears("t", "sla.clock_started", "sla.warned", "sla.warned", "sla.breached")
    assert [first["data"]["level_percent"], second["data"]["level_percent"]] == [60, 90]
    assert first["data"]["due_at"] == started["data"]["due_at"] == breach["data"]["due_at"]
    due_at = datetime.fromisoformat(started["data"]["due_at"])
    assert datetime.fromisoformat(second["time"]) >= due_at - timedelta(hours=1)
    assert (await desk.clock("t", "first_reply"))["warned_percent"] == 90


async def test_a_pause_takes_the_timers_along_and_a_resumption_sets_them_anew(desk: Desk) -> None:
    await desk.promise(target("requester_wait", "15s", warn_at_percent=[80]))
    desk.opened("t", -5)
    await desk.tell()
    await desk.clock("t", "requester_wait", state="running")
    assert len(await _timers(desk)) == 2
    desk.scribe.went(desk.named("t"), desk.now(), S.NEW, S.PENDING)
    await desk.tell()
    await desk.clock("t", "requester_wait", state="paused")
    assert await _timers(desk) == []
    await desk.system.travel(timedelta(hours=1))
    desk.scribe.went(desk.named("t"), desk.now(), S.PENDING, S.OPEN)
    await desk.tell()
    await desk.clock("t", "requester_wait", state="running")
    assert len(await _timers(desk)) == 2
    await desk.system.travel(timedelta(hours=1))
    kinds = ["sla.clock_started", "sla.clock_paused", "sla.clock_resumed", "sla.breached"]
    await desk.hears("t", *kinds)


async def _timers(desk: Desk) -> list[tuple[str, int]]:
    found = await desk.rows("SELECT kind, level FROM timer WHERE workspace_id = :ws", ws=desk.workspace_id)
    return [tuple(row) for row in found]


async def test_a_reply_in_time_that_is_read_too_late_withdraws_the_breach(desk: Desk) -> None:
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        escalation_policies=[{"id": "chain", "steps": [{"raise_priority": {"by": 1}}, {"wait": "1h"}]}],
    )
    desk.opened("t", -14.5)
    await desk.tell()
    _, breach, _ = await desk.hears("t", "sla.clock_started", "sla.breached", "escalation.raised")
    desk.scribe.replied(desk.named("t"), datetime.fromisoformat(breach["data"]["due_at"]))
    await desk.tell()
    *_, withdrawn, met, resolved = await desk.hears(
        "t",
        "sla.clock_started",
        "sla.breached",
        "escalation.raised",
        "sla.breach_withdrawn",
        "sla.met",
        "escalation.resolved",
    )
    assert withdrawn["data"]["breach_event_id"] == breach["id"]
    clock = await desk.clock("t", "first_reply", state="met")
    assert [(item["breach_event_id"], item["cause"]) for item in clock["withdrawn"]] == [
        (breach["id"], "ticket.reply_sent")
    ]
    assert met["data"]["elapsed_s"] == 15
    assert resolved["data"]["cause"] == "clock_met"
    assert await _timers(desk) == []


@asynccontextmanager
async def consumer_held(desk: Desk, ticket: str) -> AsyncIterator[None]:
    """Keeps the consumer of this workspace's shard at an event of this ticket."""
    database = desk.system.services["escalation"].runtime.database
    held, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        # The server ends transactions that do nothing; this one waits for as long as the test takes.
        await tx.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        found = {"ws": desk.workspace_id, "ticket": uid(desk.named(ticket))}
        locked = text("SELECT 1 FROM tracked_ticket WHERE workspace_id = :ws AND ticket_id = :ticket FOR UPDATE")
        assert (await tx.execute(locked, found)).one()
        held.set()
        await release.wait()

    holding = asyncio.create_task(database.transact(hold, workspaces=[desk.workspace_id]))
    await held.wait()
    try:
        yield
    finally:
        release.set()
        await holding


async def until_due(desk: Desk, clock: Json) -> None:
    """Lets the time until a deadline pass, so that no machine is too slow to prepare something before it."""
    await desk.system.travel(max(datetime.fromisoformat(clock["due_at"]) - desk.now(), timedelta()))


async def test_a_consumer_that_is_behind_holds_the_timer_back(desk: Desk) -> None:
    await desk.promise(target("first_reply", "15s"), target("total_resolution", "60d"))
    desk.opened("blocking", -3600)
    desk.scribe.replied(desk.named("blocking"), desk.now(-3599.9))
    desk.opened("t")
    await desk.tell()
    clock = await desk.clock("t", "first_reply", state="running")
    due_at = datetime.fromisoformat(clock["due_at"])
    async with consumer_held(desk, "blocking"):
        desk.scribe.asked(desk.named("blocking"), desk.now())
        desk.scribe.replied(desk.named("t"), desk.now())
        await desk.tell()
        await until_due(desk, clock)
        # Timers sleep a second at most. Two seconds after it has looked, a breach is told provisionally.
        await eventually(lambda: desk.now() > due_at + timedelta(seconds=1.1))
        assert (await desk.clock("t", "first_reply"))["state"] == "running"
    await desk.clock("t", "first_reply", state="met")
    await desk.hears("t", "sla.clock_started", "sla.clock_started", "sla.met")


async def test_a_consumer_that_stands_still_makes_the_breach_provisional_until_it_is_confirmed(desk: Desk) -> None:
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        target("total_resolution", "60d"),
        escalation_policies=[{"id": "chain", "steps": [{"raise_priority": {"by": 1}}]}],
    )
    desk.opened("blocking", -3600)
    desk.scribe.replied(desk.named("blocking"), desk.now(-3599.9))
    for name in ("late", "in-time"):
        desk.opened(name)
    await desk.tell()
    await desk.clock("late", "first_reply")
    clock = await desk.clock("in-time", "first_reply")
    in_time = datetime.fromisoformat(clock["started_at"]) + timedelta(seconds=14.9)
    async with consumer_held(desk, "blocking"):
        desk.scribe.asked(desk.named("blocking"), desk.now())
        desk.scribe.replied(desk.named("in-time"), in_time)
        await desk.tell()
        await until_due(desk, clock)
        for name in ("late", "in-time"):
            *_, breach = await desk.hears(name, "sla.clock_started", "sla.clock_started", "sla.breached")
            assert breach["data"]["is_provisional"]
            assert (await desk.clock(name, "first_reply"))["is_provisional"]
        assert await desk.escalations() == []
    kinds = ["sla.clock_started", "sla.clock_started", "sla.breached"]
    await desk.hears("late", *kinds, "escalation.raised")
    await desk.hears("in-time", *kinds, "sla.breach_withdrawn", "sla.met")


async def test_a_provisional_breach_keeps_nobody_busy_and_is_acted_on_after_a_minute(desk: Desk) -> None:
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        target("total_resolution", "60d"),
        escalation_policies=[{"id": "chain", "steps": [{"raise_priority": {"by": 1}}]}],
    )
    desk.opened("blocking", -3600)
    desk.opened("t")
    await desk.tell()
    clock = await desk.clock("t", "first_reply")
    registry = desk.system.services["escalation"].runtime.metrics.registry

    def rounds() -> float:
        return registry.get_sample_value("waypost_timers_unconfirmed_total") or 0

    async with consumer_held(desk, "blocking"):
        desk.scribe.replied(desk.named("blocking"), desk.now())
        await desk.tell()
        await until_due(desk, clock)
        await desk.hears("t", "sla.clock_started", "sla.clock_started", "sla.breached")
        # Each round is followed by a pause of a quarter of a second; the first of the three may begin at once.
        before, since = rounds(), monotonic()
        await eventually(lambda: rounds() >= before + 3)
        assert monotonic() - since >= 0.4
        await desk.system.travel(timedelta(minutes=1))
        await desk.hears("t", "sla.clock_started", "sla.clock_started", "sla.breached", "escalation.raised")


async def test_breaches_that_wait_to_be_confirmed_stand_before_no_later_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "_BATCH", 1)
    await desk.promise(
        target("first_reply", "15s", escalation="chain"),
        escalation_policies=[{"id": "chain", "steps": [{"raise_priority": {"by": 1}}]}],
    )
    desk.opened("blocking", -3600)
    desk.opened("first")
    desk.opened("second", 5)
    await desk.tell()
    clocks = [await desk.clock(name, "first_reply") for name in ("first", "second")]
    await desk.hears("blocking", "sla.clock_started", "sla.breached", "escalation.raised")
    async with consumer_held(desk, "blocking"):
        desk.scribe.replied(desk.named("blocking"), desk.now())
        await desk.tell()
        for name, clock in zip(("first", "second"), clocks, strict=True):
            await until_due(desk, clock)
            *_, breach = await desk.hears(name, "sla.clock_started", "sla.breached")
            assert breach["data"]["is_provisional"]


@asynccontextmanager
async def own(
    stack: Stack, templates: Templates, folder: Path, prefix: str, **more: Any
) -> AsyncIterator[tuple[System, Producer, Ear]]:
    """A system whose processes tests stop, freeze and start again."""
    async with start(stack, ("escalation",), prefix=prefix, templates=templates, folder=folder, **more) as system:
        producer = Producer(stack.kafka.bootstrap, topic_prefix=prefix)
        try:
            async with Ear.open(stack.kafka.bootstrap, prefix) as ear:
                yield system, producer, ear
        finally:
            await producer.close()


async def test_what_became_due_while_nobody_ran_fires_once_and_in_order(
    stack: Stack, templates: Templates, tmp_path: Path
) -> None:
    prefix = "overdue"
    async with own(stack, templates, tmp_path, prefix) as (system, producer, ear):
        desk = await Desk.open(system, producer, ear, "acme")
        await desk.promise(target("first_reply", "1h", warn_at_percent=[50, 95]))
        later, databases = system.shift[0] + timedelta(hours=1), system.databases
        order = (3, 1, 4, 0, 2)
        for number in order:
            desk.opened(f"t{number}", -40 * 60 + number / 100)
        await desk.tell()
        for number in order:
            await desk.hears(f"t{number}", "sla.clock_started", "sla.warned")
    async with own(stack, templates, tmp_path, prefix, databases=databases, ahead=later) as (
        system,
        producer,
        ear,
    ):
        desk.system, desk.http, desk.ear = system, await system.http("escalation", "acme"), ear
        for number in order:
            await desk.hears(f"t{number}", "sla.clock_started", "sla.warned", "sla.breached")
        breaches = [event for event in await desk.heard() if short(event) == "sla.breached"]
        assert all(breach["data"]["is_late"] for breach in breaches)
        due = [event["data"]["due_at"] for event in breaches]
        assert due == sorted(due)
        assert len(due) == 5
        desk.opened("next", -40 * 60)
        desk.producer = producer
        await desk.tell()
        await desk.hears("next", "sla.clock_started", "sla.warned")
        await system.travel(timedelta(hours=1))
        await desk.hears("next", "sla.clock_started", "sla.warned", "sla.breached")
        assert len([event for event in await desk.heard() if short(event) == "sla.breached"]) == 6


async def test_two_processes_that_hand_shards_over_never_fire_twice(
    stack: Stack, templates: Templates, tmp_path: Path
) -> None:
    prefix = "handover"
    async with own(stack, templates, tmp_path, prefix) as (one, producer, ear):
        desks = [await Desk.open(one, producer, ear, f"acme-{number}") for number in range(8)]
        for desk in desks:
            await desk.promise(target("first_reply", "15s", escalation="chain"), escalation_policies=[CHAIN])
        # Seconds from now, while the second process starts and takes half of the shards.
        for desk in desks:
            for number in range(6):
                desk.opened(f"t{number}", -14 + number / 2)
            await desk.tell()
        async with own(stack, templates, tmp_path, prefix, databases=one.databases, process=2) as (two, _, _):
            await two.travel(one.shift[0])
            await eventually(lambda: len(two.services["escalation"].runtime.leases.held()) == SHARDS // 2)
            for desk in desks:
                for number in range(6):
                    await desk.hears(f"t{number}", "sla.clock_started", "sla.breached", "escalation.raised")
        for desk in desks:
            events = await desk.heard()
            check_sequences(events)
            assert sorted(map(short, events)) == sorted(
                ["sla.clock_started", "sla.breached", "escalation.raised"] * 6
            )


CHAIN = {"id": "chain", "steps": [{"requeue": {"queue": "urgent", "tier": 2}}]}


async def test_a_process_whose_shard_was_taken_fires_nothing_there_and_goes_on_elsewhere(
    stack: Stack, templates: Templates, tmp_path: Path
) -> None:
    async with own(stack, templates, tmp_path, "frozen") as (system, producer, ear):
        # Timers of two shards share commits, of which one is taken.
        names = (f"beside-{number}" for number in range(1000))
        beside = next(name for name in names if shard_of(name) == (shard_of("acme") + 2) % SHARDS)
        desk, other = [await Desk.open(system, producer, ear, name) for name in ("acme", beside)]
        for each in (desk, other):
            await each.promise(target("first_reply", "1h"))
        for each in (desk, other):
            each.opened("t", -40 * 60)
            await each.tell()
            await each.clock("t", "first_reply")
        await _steal(system, shard_of("acme"))
        await system.travel(timedelta(hours=1))
        # What is due has woken the shard's loops: whatever could fire has tried to, and found out.
        leases = system.services["escalation"].runtime.leases
        await eventually(lambda: shard_of("acme") not in [shard.n for shard in leases.held()])
        await other.hears("t", "sla.clock_started", "sla.breached")
        assert [row.kind for row in await desk.rows("SELECT kind FROM timer")] == ["breach"]
        assert (await desk.clock("t", "first_reply"))["state"] == "running"


async def _steal(system: System, n: int) -> None:
    """What another process does while ours is frozen: it takes the lease and raises the epoch."""

    async def steal(tx: Tx) -> None:
        taken = text("UPDATE shard_lease SET holder = 'thief', expires_at = 'infinity' WHERE n = :n")
        await tx.execute(taken, {"n": n})
        await tx.execute(text("UPDATE shard SET epoch = epoch + 1 WHERE n = :n"), {"n": n})

    await system.services["escalation"].runtime.database.transact(steal)


async def test_a_ticket_that_cannot_be_fired_for_whatever_reason_holds_up_nobody(desk: Desk) -> None:
    await desk.promise(target("first_reply", "1h"))
    desk.opened("broken", -3)
    desk.opened("sound", -3)
    await desk.tell()
    for name in ("broken", "sound"):
        await desk.clock(name, "first_reply", state="running")
    # A promise that its version never made: nobody foresaw that.
    await desk.rows(
        "UPDATE sla_clock SET policy = 'nobodys' WHERE workspace_id = :ws AND ticket_id = :ticket RETURNING 1",
        ws=desk.workspace_id,
        ticket=uid(desk.named("broken")),
    )
    await desk.system.travel(timedelta(hours=1))
    await desk.hears("sound", "sla.clock_started", "sla.breached")
    put_off = "SELECT due_at FROM timer WHERE workspace_id = :ws AND ticket_id = :ticket"

    async def is_put_off() -> bool:
        (row,) = await desk.rows(put_off, ws=desk.workspace_id, ticket=uid(desk.named("broken")))
        return bool(row.due_at > desk.now())

    await eventually(is_put_off)
