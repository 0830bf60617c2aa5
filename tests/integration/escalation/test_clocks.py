"""Events in, clocks out: over HTTP and on the topic."""

import csv
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.events.routing import WorkSnapshotV1
from shared.events.tickets import TicketSnapshotV1
from shared.vocabulary import (
    ActorKind,
    AuthorKind,
    ChannelKind,
    MachineClass,
    Priority,
    Purpose,
    TicketStatus,
    WorkState,
)
from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, check_sequences, short, some_facts, target
from tests.scribe import uid
from tests.system import System

S = TicketStatus


async def test_a_reply_in_time_meets_and_everybody_is_told(desk: Desk) -> None:
    await desk.promise(target("first_reply", "1h"), target("total_resolution", "4h"))
    opened = desk.opened("t", -600)
    await desk.tell()
    running = await desk.clock("t", "first_reply", state="running")
    assert running["remaining_s"] < 3000 < running["remaining_s"] + running["elapsed_s"]
    replied = desk.scribe.replied(desk.named("t"), desk.now(-60))
    await desk.tell()
    met = await desk.clock("t", "first_reply", state="met")
    assert met["elapsed_s"] == met["elapsed_wall_s"] == (replied.time - opened.time).total_seconds()
    assert [(line["turn"], line["cause"], line["event_id"]) for line in met["history"]] == [
        ("started", "ticket.opened", str(opened.id)),
        ("met", "ticket.reply_sent", str(replied.id)),
    ]
    *_, last = await desk.hears("t", "sla.clock_started", "sla.clock_started", "sla.met")
    assert last["data"]["metric"] == "first_reply"
    assert last["causationid"] == str(replied.id)


async def test_a_pending_ticket_stands_still_and_says_so(desk: Desk) -> None:
    await desk.promise(target("requester_wait", "2h"))
    desk.opened("t", -3600)
    desk.scribe.went(desk.named("t"), desk.now(-3000), TicketStatus.NEW, TicketStatus.PENDING)
    await desk.tell()
    paused = await desk.clock("t", "requester_wait", state="paused")
    assert paused["due_at"] is None
    assert paused["elapsed_s"] == pytest.approx(600, abs=1)
    desk.scribe.went(desk.named("t"), desk.now(-600), TicketStatus.PENDING, TicketStatus.OPEN)
    desk.scribe.went(desk.named("t"), desk.now(-300), S.OPEN, S.SOLVED)
    await desk.tell()
    met = await desk.clock("t", "requester_wait", state="met")
    assert met["elapsed_s"] == pytest.approx(900, abs=1)
    kinds = ["sla.clock_started", "sla.clock_paused", "sla.clock_resumed", "sla.met"]
    _, stopped, resumed, _ = await desk.hears("t", *kinds)
    assert stopped["data"]["elapsed_s"] == pytest.approx(600, abs=1)
    due_at = datetime.fromisoformat(resumed["data"]["due_at"])
    assert (due_at - desk.now()).total_seconds() == pytest.approx(-600 + 6600, abs=30)


async def test_machines_and_acknowledgements_answer_nobody(desk: Desk) -> None:
    await desk.promise(target("first_reply", "1h"), target("next_reply", "1h"))
    desk.opened("t", -600)
    desk.scribe.replied(desk.named("t"), desk.now(-500), kind=AuthorKind.BOT, agent=None)
    desk.scribe.replied(desk.named("t"), desk.now(-400), purpose=Purpose.ACK)
    await desk.tell()
    await desk.clock("t", "first_reply", state="running")
    desk.scribe.replied(desk.named("t"), desk.now(-300))
    desk.scribe.asked(desk.named("t"), desk.now(-200), machine=MachineClass.AUTO_REPLY)
    await desk.tell()
    await desk.clock("t", "first_reply", state="met")
    assert {clock["metric"] for clock in await desk.clocks("t")} == {"first_reply"}


async def test_a_merged_ticket_has_its_clocks_cancelled(desk: Desk) -> None:
    await desk.promise(target("first_reply", "1h"), target("time_to_assign", "1h"))
    desk.opened("t", -600)
    desk.scribe.merged(desk.named("t"), desk.now(-60), desk.named("other"))
    await desk.tell()
    await desk.clock("t", "first_reply", state="cancelled")
    kinds = ["sla.clock_started"] * 2 + ["sla.clock_stopped"] * 2
    stopped = [event["data"] for event in await heard_in_any_order(desk, "t", kinds) if "outcome" in event["data"]]
    assert {(data["outcome"], data["cause"]) for data in stopped} == {("cancelled", "ticket.merged")}


async def heard_in_any_order(desk: Desk, ticket: str, kinds: list[str]) -> list[dict[str, Any]]:
    async def probe() -> list[dict[str, Any]]:
        events = await desk.heard(ticket)
        assert sorted(map(short, events)) == sorted(kinds)
        return events

    events: list[dict[str, Any]] = await eventually(probe)
    check_sequences(events)
    return events


async def test_what_the_router_says_before_the_ticket_is_known_is_kept_and_applied(desk: Desk) -> None:
    await desk.promise(target("time_to_assign", "1h"), target("time_in_queue", "1h"))
    opened = desk.hold_back(desk.opened("t", -300))
    asked = desk.hold_back(desk.scribe.asked(desk.named("t"), desk.now(-300)))
    desk.scribe.queued(desk.named("t"), desk.now(-299))
    desk.scribe.assigned(desk.named("t"), desk.now(-200))
    await desk.tell()
    await eventually(
        lambda: desk.rows("SELECT 1 FROM tracked_ticket WHERE workspace_id = :ws", ws=desk.workspace_id)
    )
    unknown = await desk.http.get(f"/v1/tickets/{uid(desk.named('t'))}/clocks")
    assert unknown.status_code == 404
    desk.scribe.events.extend([opened, asked])
    await desk.tell()
    assigned = await desk.clock("t", "time_to_assign", state="met")
    assert assigned["elapsed_s"] == pytest.approx(100, abs=1)
    await desk.clock("t", "time_in_queue", state="met")


async def test_business_hours_in_a_zone_with_a_holiday_decide_the_due_time(desk: Desk) -> None:
    now = desk.now() + timedelta(days=2)
    calendar = {
        "id": "office",
        "time_zone": "Europe/Berlin",
        "weekly": {day: ["09:00-12:00", "13:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
        "closed": [str((now + timedelta(days=3)).date())],
        "holidays": {"country": "DE", "subdivision": "BY"},
    }
    policy = {"id": "standard", "calendar": "office", "targets": [target("total_resolution", "40h")]}
    await desk.configure(calendars=[calendar], sla_policies=[policy])
    desk.opened("t")
    await desk.tell()
    clock = await desk.clock("t", "total_resolution", state="running")
    assert clock["calendar"] == "office"
    started, due = (datetime.fromisoformat(clock[name]) for name in ("started_at", "due_at"))
    assert due - started > timedelta(days=6)
    local = due.astimezone(ZoneInfo("Europe/Berlin"))
    assert local.weekday() < 5
    assert 9 <= local.hour < 18 or (local.hour, local.minute) in ((12, 0), (18, 0))


async def test_a_raised_priority_carries_what_has_elapsed_to_the_new_target(desk: Desk) -> None:
    await desk.promise(
        target("total_resolution", "8h", priority=["normal"]),
        target("total_resolution", "4h", priority=["urgent"]),
    )
    opened = desk.opened("t", -7200)
    await desk.tell()
    await desk.clock("t", "total_resolution", target_s=8 * 3600)
    desk.updated("t", -10, priority="urgent")
    await desk.tell()
    clock = await desk.clock("t", "total_resolution", target_s=4 * 3600)
    assert datetime.fromisoformat(clock["due_at"]) == opened.time + timedelta(hours=4)
    _, moved = await desk.hears("t", "sla.clock_started", "sla.clock_resumed")
    assert moved["data"]["target_s"] == 4 * 3600


async def test_a_new_version_of_the_policy_carries_running_clocks(desk: Desk) -> None:
    await desk.promise(target("total_resolution", "60d"), target("first_reply", "60d"))
    for number in range(5):
        desk.opened(f"t{number}", -60)
        desk.scribe.replied(desk.named(f"t{number}"), desk.now(-30))
    await desk.tell()
    for number in range(5):
        await desk.clock(f"t{number}", "first_reply", state="met")
    await desk.promise(target("total_resolution", "90d"), target("first_reply", "90d"))
    for number in range(5):
        clock = await desk.clock(f"t{number}", "total_resolution", policy_version=2, target_s=90 * 86400)
        assert [line["cause"] for line in clock["history"]] == ["ticket.opened", "policy_changed"]
        assert (await desk.clock(f"t{number}", "first_reply"))["policy_version"] == 1


async def test_a_snapshot_is_taken_as_a_baseline(desk: Desk) -> None:
    await desk.promise(
        target("total_resolution", "8h"), target("time_in_queue", "8h"), target("first_reply", "8h")
    )
    seen = TicketSnapshotV1(
        ticket_id=uid(desk.named("t")),
        ticket_number=7,
        facts=some_facts("normal"),
        status=S.OPEN,
        opened_by=ActorKind.CUSTOMER,
        opened_at=desk.now(-3600),
        first_replied_at=desk.now(-1800),
        solved_at=None,
        merged_into=None,
    )
    queued = WorkSnapshotV1(
        work_id=uid(f"{desk.named('t')}/work"),
        ticket_id=uid(desk.named("t")),
        state=WorkState.QUEUED,
        queue="billing",
        support_tier=1,
        priority=Priority.NORMAL,
        channel="email",
        channel_kind=ChannelKind.EMAIL,
        skills=(),
        queued_at=desk.now(-600),
        agent_id=None,
        assigned_at=None,
    )
    desk.scribe.sequences[seen.subject] = 11
    desk.scribe.sequences[queued.subject] = 4
    desk.scribe.tell(queued, desk.now(-2))
    desk.scribe.tell(seen, desk.now(-1))
    await desk.tell()
    resolution = await desk.clock("t", "total_resolution", state="running")
    assert resolution["elapsed_s"] == pytest.approx(3600, abs=10)
    assert (await desk.clock("t", "time_in_queue"))["elapsed_s"] == pytest.approx(600, abs=10)
    assert {clock["metric"] for clock in await desk.clocks("t")} == {"total_resolution", "time_in_queue"}


async def test_running_clocks_are_published_as_they_stand(desk: Desk) -> None:
    await desk.promise(target("total_resolution", "8h"), target("requester_wait", "8h"))
    desk.opened("open", -600)
    desk.opened("solved", -600)
    desk.scribe.went(desk.named("solved"), desk.now(-300), S.NEW, S.SOLVED)
    desk.scribe.went(desk.named("open"), desk.now(-60), TicketStatus.NEW, TicketStatus.PENDING)
    await desk.tell()
    await desk.clock("open", "requester_wait", state="paused")
    await desk.clock("solved", "requester_wait", state="met")
    answer = await desk.http.post("/v1/snapshots")
    assert (answer.status_code, answer.json()) == (202, {"published": 2})

    async def snapshots() -> list[dict[str, Any]]:
        found = [event for event in await desk.heard() if short(event) == "sla.clock_snapshot"]
        assert len(found) == 2
        return found

    for event in await eventually(snapshots):
        before = [other for other in await desk.heard("open") if other["subject"] == event["subject"]]
        assert event["sequence"] == before[-2]["sequence"] == len(before) - 1
    forbidden = await (await desk.system.http("escalation", desk.workspace_id, "escalation:read")).post(
        "/v1/snapshots"
    )
    assert forbidden.status_code == 403


async def test_another_workspace_s_clocks_are_not_there(desk: Desk, escalation: System) -> None:
    await desk.promise(target("first_reply", "1h"))
    desk.opened("t")
    await desk.tell()
    await desk.clock("t", "first_reply")
    stranger = await escalation.http("escalation", f"{desk.workspace_id}-x")
    assert (await stranger.get(f"/v1/tickets/{uid(desk.named('t'))}/clocks")).status_code == 404


async def test_every_second_of_a_clock_is_accounted_for_also_as_a_table(desk: Desk) -> None:
    office = {"id": "office", "time_zone": "Europe/Berlin", "weekly": {"mon": ["09:00-12:00", "13:00-18:00"]}}
    await desk.promise(target("requester_wait", "30h", calendar="office"), calendars=[office])
    name = desk.named("t")
    desk.opened("t", -9 * 3600)
    paused = desk.scribe.went(name, desk.now(-3 * 3600), TicketStatus.NEW, TicketStatus.PENDING)
    desk.scribe.went(name, desk.now(-3600), TicketStatus.PENDING, TicketStatus.OPEN)
    await desk.tell()
    clock = await desk.clock("t", "requester_wait", state="running")
    running, standing, again = clock["segments"]
    assert [part["standing"] for part in clock["segments"]] == ["running", "paused", "running"]
    assert running["ended_by"] == standing["began_by"] == "ticket.status_changed"
    assert running["ended_event_id"] == standing["began_event_id"] == str(paused.id)
    assert again["ended_by"] is None
    assert sum(part["elapsed_s"] for part in clock["segments"]) == clock["elapsed_s"]
    for part in clock["segments"]:
        counted = [
            (datetime.fromisoformat(item["ends_at"]) - datetime.fromisoformat(item["starts_at"])).total_seconds()
            for item in part["hours"]
        ]
        assert sum(counted) == part["elapsed_s"]
    answer = await desk.http.get(f"/v1/tickets/{uid(name)}/clocks.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(StringIO(answer.text)))
    assert [row["standing"] for row in table] == ["running", "paused", "running"]
    assert table[0]["ended_event_id"] == str(paused.id)
    assert (await desk.http.get(f"/v1/tickets/{uid('nobody')}/clocks.csv")).status_code == 404
