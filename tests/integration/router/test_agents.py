"""Agents over HTTP: configured, changed, followed live."""

import asyncio
import json
from typing import Any

import asyncpg
from httpx_sse import aconnect_sse

from tests.eventually import eventually
from tests.integration.router.floor import CONFIGURATION, Floor

ANY = {"If-Match": "*"}


async def test_an_agent_is_added_replaced_and_changed(floor: Floor) -> None:
    http = floor.http
    added = await http.put("/v1/agents/cid", json={"id": "cid", "queues": ["billing"], "skills": {"billing": 5}})
    assert added.status_code == 201, added.text
    patched = await http.patch("/v1/agents/cid", json={"support_tier": 2}, headers=ANY)
    assert (patched.status_code, patched.json()["support_tier"]) == (200, 2)
    assert patched.json()["skills"] == {"billing": 5}
    shifts = {"shifts": {"mon": ["09:00-10:00"]}}
    assert (await http.patch("/v1/agents/cid", json=shifts, headers=ANY)).json()["duty_turns_at"] is not None
    always = await http.patch(
        "/v1/agents/cid", json={"shifts": None, "name": None, "ranks": {"billing": 3}}, headers=ANY
    )
    assert (always.json()["duty_turns_at"], always.json()["skills"]) == (None, {"billing": 5})
    replaced = await http.put("/v1/agents/cid", json={"id": "cid", "queues": ["general"]}, headers=ANY)
    assert (replaced.status_code, replaced.json()["support_tier"], replaced.json()["skills"]) == (200, 1, {})
    listed = (await http.get("/v1/agents", params={"limit": 2})).json()
    assert [agent["agent_id"] for agent in listed["items"]] == ["ann", "bob"]
    rest = (await http.get("/v1/agents", params={"limit": 2, "cursor": listed["next_cursor"]})).json()
    assert [agent["agent_id"] for agent in rest["items"]] == ["cid", "eve"]
    assert rest["next_cursor"] is None


async def test_what_does_not_fit_is_refused_by_name(floor: Floor) -> None:
    http = floor.http
    unknown = await http.put("/v1/agents/cid", json={"id": "cid", "queues": ["nowhere"], "skills": {"magic": 1}})
    assert unknown.status_code == 422
    assert {error["pointer"] for error in unknown.json()["errors"]} == {"/agents/3/queues", "/agents/3/skills"}
    assert (await http.put("/v1/agents/cid", json={"id": "other"})).status_code == 422
    assert (await http.patch("/v1/agents/nobody", json={"capacity": 5})).status_code == 404
    assert (await http.get("/v1/agents/nobody")).status_code == 404
    assert (await http.put("/v1/agents/nobody/state", json={"state": "away"})).status_code == 404
    assert (await http.put("/v1/agents/ann/state", json={"state": "asleep"})).status_code == 422


async def test_versions_guard_against_lost_updates(floor: Floor) -> None:
    http = floor.http
    seen = (await http.get("/v1/agents/ann")).headers["etag"]
    assert (
        await http.patch("/v1/agents/ann", json={"capacity": 50}, headers={"If-Match": seen})
    ).status_code == 200
    stale = await http.patch("/v1/agents/ann", json={"capacity": 60}, headers={"If-Match": seen})
    assert stale.status_code == 412
    unseen = await http.put("/v1/configuration", json=CONFIGURATION)
    assert unseen.status_code == 428
    changes = [http.patch("/v1/agents/bob", json={"name": f"Bob {number}"}, headers=ANY) for number in range(5)]
    answers = await asyncio.gather(*changes)
    assert {answer.status_code for answer in answers} <= {200, 412}
    made = {answer.headers["etag"]: answer.json()["name"] for answer in answers if answer.status_code == 200}
    assert len(made) == len({*made.values()}) == sum(answer.status_code == 200 for answer in answers)


async def test_a_change_of_somebody_says_which_version_was_seen_and_a_new_one_need_not(floor: Floor) -> None:
    http = floor.http
    ann, new = {"id": "ann", "queues": ["general"]}, {"If-None-Match": "*"}
    assert (await http.put("/v1/agents/ann", json=ann)).status_code == 428
    assert (await http.patch("/v1/agents/ann", json={"capacity": 5})).status_code == 428
    assert (await http.put("/v1/agents/ann", json=ann, headers=new)).status_code == 412
    assert (await http.put("/v1/agents/ann", json=ann, headers={"If-None-Match": '"1"'})).status_code == 422
    added = await http.put("/v1/agents/cid", json={"id": "cid", "queues": ["general"]}, headers=new)
    assert added.status_code == 201
    seen = {"If-Match": added.headers["etag"]}
    replaced = await http.put("/v1/agents/cid", json={"id": "cid", "queues": ["billing"]}, headers=seen)
    assert (replaced.status_code, replaced.json()["queues"]) == (200, ["billing"])
    assert (
        replaced.headers["etag"] == (await http.get("/v1/configuration")).headers["etag"] != added.headers["etag"]
    )


async def test_a_stored_configuration_that_cannot_be_read_is_told_and_replaced(floor: Floor) -> None:
    rows = await asyncpg.connect(floor.system.databases["router"].owner_url)
    spoil = "UPDATE configuration SET body = '{\"agents\": 5}' WHERE workspace_id = $1"
    try:
        async with rows.transaction():
            await rows.execute("SELECT set_config('app.workspaces', $1, true)", floor.workspace_id)
            assert await rows.execute(spoil, floor.workspace_id) == "UPDATE 1"
    finally:
        await rows.close()
    assert (await floor.http.get("/v1/configuration")).status_code == 409
    patched = await floor.http.patch("/v1/agents/ann", json={"capacity": 5}, headers=ANY)
    assert patched.status_code == 409, patched.text
    assert (await floor.http.put("/v1/configuration", json=CONFIGURATION, headers=ANY)).status_code == 200
    assert (await floor.http.get("/v1/configuration")).json()["configuration"]["skills"] == ["german", "billing"]


async def test_a_configuration_may_name_as_many_agents_as_a_large_organisation_has(floor: Floor) -> None:
    large = json.loads(json.dumps(CONFIGURATION))
    large["agents"] = [
        {"id": f"agent-{number}", "name": "N" * 60, "queues": ["general", "billing"], "skills": {"german": 3}}
        for number in range(8000)
    ]
    assert len(json.dumps(large)) > 1024 * 1024
    plan = await floor.http.put("/v1/configuration", params={"dry_run": "true"}, json=large, timeout=60)
    assert plan.status_code == 200, plan.text[:500]


async def test_a_configuration_is_planned_applied_once_and_checked_as_a_whole(floor: Floor) -> None:
    http = floor.http
    changed = json.loads(json.dumps(CONFIGURATION))
    changed["queues"].append({"id": "sales"})
    plan = await http.put("/v1/configuration", params={"dry_run": "true"}, json=changed)
    assert plan.json()["changes"] == [{"path": "/queues/sales", "kind": "added"}]
    version = plan.json()["version"]
    assert (await http.get("/v1/configuration")).json()["version"] == version
    for _ in range(2):
        applied = await http.put("/v1/configuration", json=changed, headers={"If-Match": "*"})
        assert applied.json()["version"] == version + 1
    broken = json.loads(json.dumps(CONFIGURATION))
    broken["policy"]["rules"][0]["when"] = "ticket.colour == 1"
    broken["policy"]["rules"][1]["queue"] = "nowhere"
    broken["policy"]["rules"][1]["when"] = "ticket.labels.all(a, ticket.labels.all(b, ticket.labels.all(c, true)))"
    late = {"id": "late", "when": "time.hour > 17", "queue": "general"}
    broken["policy"]["rules"] += [late, {**late, "id": "later", "when": "time.hour > 20"}]
    refused = await http.put("/v1/configuration", json=broken, headers={"If-Match": "*"})
    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {
        "/policy/rules/0/when",
        "/policy/rules/1/queue",
        "/policy/rules/1/when",
        "/policy/rules/3/when",
    }
    warned = json.loads(json.dumps(CONFIGURATION))
    warned["policy"]["rules"][1]["skills"] = {"german": 5}
    answer = await http.put("/v1/configuration", params={"dry_run": "true"}, json=warned)
    assert any(
        warning.startswith("/policy/rules/1: nobody can ever serve rule german")
        for warning in answer.json()["warnings"]
    )


async def test_a_desk_is_followed_live(floor: Floor) -> None:
    desks: list[dict[str, Any]] = []
    ann = await floor.system.http("router", floor.workspace_id, "agents:self", subject="ann")

    async def follow() -> None:
        async with aconnect_sse(ann, "GET", "/v1/agents/ann/stream") as source:
            async for event in source.aiter_sse():
                assert event.event == "desk"
                desks.append(event.json())

    follower = asyncio.create_task(follow())
    try:
        await eventually(lambda: desks and desks[-1]["state"] == "offline")
        await floor.set_state("ann")
        await eventually(lambda: desks[-1]["state"] == "available")
        await floor.open_ticket("t")
        await eventually(
            lambda: [offer["ticket_id"] for offer in desks[-1]["offers"]] == [str(floor.ticket_id("t"))]
        )
        await floor.accept("ann", "t")
        await eventually(lambda: [work["state"] for work in desks[-1]["work"]] == ["assigned"])
        assert desks[-1]["offers"] == []
    finally:
        follower.cancel()
