"""Current values over the real interfaces: events in by their topics, values out by HTTP."""

from datetime import timedelta
from typing import Any

import httpx

from services.metrics.domain.definitions import KPIS
from shared.events.tickets import TicketSnapshotV1
from shared.vocabulary import ActorKind, AgentState, TicketStatus
from tests.clients import client
from tests.eventually import eventually
from tests.integration.metrics.listening import board, listening
from tests.integration.metrics.running import Ground, Process
from tests.scribe import Scribe, facts, uid
from tests.shards import shard_of


async def values(http: httpx.AsyncClient, **query: Any) -> dict[tuple[str, str], float | None]:
    """Values of the whole workspace, by KPI and window."""
    answer = await http.get("/v1/kpis", params=query)
    assert answer.status_code == 200, answer.text
    found = board(answer.json()["values"])
    return {(kpi, window): value for (kpi, window, scope), (value, _) in found.items() if not scope}


async def test_a_ticket_shows_in_every_number_that_it_is_part_of(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    now = await shared_ground.now(process)
    s = Scribe(workspace_id)
    s.agent("ada", now)
    s.state("ada", now, AgentState.AVAILABLE)
    s.opened("t", now - timedelta(minutes=3))
    s.queued("t", now - timedelta(minutes=3))
    s.assigned("t", now - timedelta(minutes=2))
    s.replied("t", now - timedelta(minutes=1))
    s.met("t", now - timedelta(minutes=1))
    await shared_ground.publish(s.events)
    await shared_ground.applied(process, s.events)
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    found = await values(http, window=["5m", "now"])
    expected = {
        ("volume", "5m"): 1,
        ("time_to_assign", "5m"): 60,
        ("first_reply", "5m"): 120,
        ("sla_attainment", "5m"): 100,
        ("breaches", "5m"): 0,
        ("full_resolution", "5m"): None,
        ("backlog", "now"): 1,
        ("backlog.new", "now"): 1,
        ("waiting", "now"): 0,
        ("oldest_waiting", "now"): None,
        ("agents", "now"): 1,
        ("agents.available", "now"): 1,
    }
    assert {key: found[key] for key in expected} == expected
    queue = (("queue", "billing"),)
    answer = await http.get("/v1/kpis", params={"queue": "billing", "kpi": ["volume", "agents"]})
    item = answer.json()["values"][0]
    assert (item["version"], item["unit"], item["scope"]) == (1, "tickets", {"queue": "billing"})
    assert board(answer.json()["values"])["volume", "60m", queue] == (1, 1)
    assert board(answer.json()["values"])["agents", "now", queue] == (1, None)


async def test_an_agent_off_duty_is_counted_apart_from_those_who_are_available(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    now = await shared_ground.now(process)
    s = Scribe(workspace_id)
    for name, is_on_duty in (("ada", True), ("bob", False)):
        s.agent(name, now)
        s.state(name, now, AgentState.AVAILABLE, is_on_duty=is_on_duty)
    await shared_ground.publish(s.events)
    await shared_ground.applied(process, s.events)
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    found = await values(http, kpi=["agents", "agents.available", "agents.off_duty"])
    assert found == {("agents", "now"): 2, ("agents.available", "now"): 1, ("agents.off_duty", "now"): 1}
    (row,) = (await http.get("/v1/kpis/agents.off_duty/tickets")).json()["items"]
    assert (row["agent"], row["kind"]) == ("bob", "off_duty")


async def test_no_workspace_sees_anothers_numbers(ground: Ground) -> None:
    process = await ground.start()
    now = await ground.now(process)
    # Two workspaces of one shard: held by the same process, in the same batches.
    names = [name for number in range(60) if shard_of(name := f"tenant-{number}") == shard_of("tenant-0")]
    mine, other = names[:2]
    s, noise = Scribe(mine), Scribe(other)
    s.opened("t", now)
    s.queued("t", now, queue="mine")
    for number in range(5):
        noise.opened(f"secret-{number}", now, channel="canary")
        noise.queued(f"secret-{number}", now, queue="canary")
        noise.assigned(f"secret-{number}", now, queue="canary", agent="canary")
        noise.met(f"secret-{number}", now)
    http = await ground.http(process, mine)
    async with listening(http, by=["workspace", "queue", "channel", "agent", "tier"]) as heard:
        await ground.publish([event for pair in zip(s.events, noise.events, strict=False) for event in pair])
        await ground.publish(noise.events)
        await ground.applied(process, noise.events)
        await eventually(lambda: heard.of("volume", "5m") == 1)
        told = "".join(event.data for event in heard.events)
    spans = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
    paths: list[tuple[str, dict[str, Any]]] = [
        ("/v1/kpis", {"by": ["workspace", "queue", "channel", "agent", "tier"]}),
        ("/v1/kpis", {"queue": "canary", "agent": "canary"}),
        *[(f"/v1/kpis/{kpi}/tickets", spans) for kpi in ("volume", "backlog", "waiting", "agents.offline")],
        ("/v1/kpis/sla_attainment/tickets", spans),
        ("/v1/kpis/volume/series", {**spans, "queue": "canary"}),
        ("/v1/configuration", {}),
        ("/v1/parked", {}),
    ]
    for path, params in paths:
        answer = await http.get(path, params=params)
        assert answer.status_code == 200
        assert str(uid("secret-0")) not in answer.text
        told += "" if "canary" in str(params) else answer.text
        for item in answer.json().get("values", []):
            assert "canary" not in item["scope"].values() or not item["samples"]
        assert sum(point["samples"] for point in answer.json().get("points", [])) == 0
    assert "canary" not in told
    assert (await http.post("/v1/rebuilds", json={**spans, "dry_run": True})).json()["cells"] < 10


async def test_only_who_may_read_numbers_reads_them(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    paths = ["/v1/kpis", "/v1/kpis/stream", "/v1/kpis/volume/series", "/v1/kpis/volume/tickets", "/v1/definitions"]
    agent = await shared_ground.http(process, workspace_id, "agents:self")
    async with client(process.url) as nobody:
        for path in paths:
            assert (await agent.get(path)).status_code == 403
            assert (await nobody.get(path)).status_code == 401
    reader = await shared_ground.http(process, workspace_id, "metrics:read")
    assert (await reader.get("/v1/configuration")).status_code == 403
    assert (await reader.get("/v1/parked")).status_code == 403


async def test_every_definition_is_told(shared_ground: Ground, process: Process, workspace_id: str) -> None:
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    told = (await http.get("/v1/definitions")).json()
    assert [item["name"] for item in told] == [kpi.name for kpi in KPIS]
    assert told[0]["windows"] == ["5m", "15m", "60m", "today"]
    assert "first_reply.p90" in next(item for item in told if item["name"] == "first_reply")["variants"]


async def test_what_cannot_be_is_refused(shared_ground: Ground, process: Process, workspace_id: str) -> None:
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    for params in (
        {"kpi": "happiness"},
        {"window": "2m"},
        {"by": "mood"},
        {"tier": "-1"},
        {"queue": ""},
        {"queue": "a\0b"},
        {"agent": "x" * 201},
    ):
        assert (await http.get("/v1/kpis", params=params)).status_code == 422, params
        assert (await http.get("/v1/kpis/stream", params=params)).status_code == 422, params


async def test_an_event_that_cannot_be_is_parked_and_a_snapshot_makes_up_for_a_lost_history(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    now = await shared_ground.now(process)
    s = Scribe(workspace_id)
    ticket = f"{workspace_id}/t"
    s.replied(ticket, now)
    s.sequences[f"ticket/{uid(ticket)}"] = 6
    s.went(ticket, now, TicketStatus.OPEN, TicketStatus.PENDING)
    await shared_ground.publish(s.events)
    await shared_ground.applied(process, s.events)
    http = await shared_ground.http(process, workspace_id)
    reasons = [item["reason"] for item in (await http.get("/v1/parked")).json()["items"]]
    assert reasons == ["contract_violation", "version_gap"]
    assert (await values(http))["backlog", "now"] == 0
    s.sequences[f"ticket/{uid(ticket)}"] = 5
    snapshot = s.tell(
        TicketSnapshotV1(
            ticket_id=uid(ticket),
            ticket_number=1,
            facts=facts(),
            status=TicketStatus.OPEN,
            opened_by=ActorKind.CUSTOMER,
            opened_at=now - timedelta(minutes=10),
            first_replied_at=now - timedelta(minutes=8),
            solved_at=None,
            merged_into=None,
        ),
        now,
    )
    await shared_ground.publish([snapshot])

    async def probe() -> bool:
        found = await values(http, window=["15m", "now"])
        assert found["volume", "15m"] == 1
        assert found["first_reply", "15m"] == 120
        # What was parked behind the gap is folded by itself.
        assert found["backlog.pending", "now"] == 1
        return True

    await eventually(probe)


async def test_an_event_of_which_no_number_can_be_made_is_parked_and_no_other(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    now = await shared_ground.now(process)
    s = Scribe(workspace_id)
    s.queued("t", now, tier=100_000)
    s.opened("t", now)
    s.met("t", now, elapsed_s=1e300)
    s.opened("u", now)
    s.queued("u", now, queue="x" * 5000)
    await shared_ground.publish(s.events)
    await shared_ground.applied(process, s.events)
    http = await shared_ground.http(process, workspace_id)
    parked = (await http.get("/v1/parked")).json()["items"]
    assert {item["subject"].partition("/")[0] for item in parked} == {"work", "clock"}
    assert len(parked) == 3
    assert (await values(http))["volume", "today"] == 2


async def test_a_new_day_begins_at_midnight(ground: Ground) -> None:
    process = await ground.start()
    now = await ground.now(process)
    s = Scribe("acme")
    s.opened("t", now)
    s.queued("t", now)
    await ground.publish(s.events)
    await ground.applied(process, s.events)
    http = await ground.http(process, "acme")
    assert (await values(http))["volume", "today"] == 1
    async with listening(http, by="workspace") as heard:
        ground.shift[0] += timedelta(hours=24)
        await ground.now(process)
        await eventually(lambda: heard.of("volume", "today") == 0)
        assert heard.of("oldest_waiting", "now") >= 24 * 3600
    found = await values(http)
    assert found["volume", "today"] == found["volume", "60m"] == 0
    assert found["waiting", "now"] == 1


async def test_prometheus_shows_totals_and_no_names(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    http = await shared_ground.http(process, workspace_id)
    async with listening(http):
        text = (await http.get("/metrics")).text
    assert "waypost_stream_clients 1.0" in text
    assert "waypost_stream_frames_total" in text
    assert workspace_id not in text
