"""Metrics' part of the configuration, and what it changes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.integration.metrics.listening import board
from tests.integration.metrics.running import Ground, Process
from tests.scribe import Scribe

ANY = {"If-Match": "*"}


async def test_defaults_hold_until_something_is_applied(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    http = await shared_ground.http(process, workspace_id)
    answer = await http.get("/v1/configuration")
    assert answer.json()["version"] == 0
    assert answer.json()["configuration"] == {"time_zone": "UTC", "targets": [], "roster": [], "queues": []}
    assert (await http.put("/v1/configuration", json={})).status_code == 428
    part = {"time_zone": "Europe/Berlin"}
    applied = await http.put("/v1/configuration", json=part, headers={"If-Match": answer.headers["etag"]})
    assert applied.json()["version"] == 1
    again = await http.put("/v1/configuration", json=part, headers=ANY)
    assert (again.json()["version"], again.json()["changes"]) == (1, [])
    assert (await http.put("/v1/configuration", json=part, headers={"If-Match": '"7"'})).status_code == 412


@pytest.mark.parametrize(
    ("part", "pointers"),
    [
        ({"time_zone": "Europe/Atlantis"}, ["/time_zone"]),
        ({"time_zone": "../../etc/passwd"}, ["/time_zone"]),
        ({"queues": [{"id": "a"}, {"id": "a"}]}, ["/queues/1/id"]),
        ({"targets": [{"kpi": "happiness", "target": 1}]}, ["/targets/0/kpi"]),
        (
            {"queues": [{"id": "a"}], "targets": [{"kpi": "volume", "queue": "b", "target": 1}]},
            ["/targets/0/queue"],
        ),
        ({"targets": [{"kpi": "volume", "target": 1}, {"kpi": "volume", "target": 2}]}, ["/targets/1"]),
        ({"roster": ["ada", "bob", "ada"]}, ["/roster/2"]),
        ({"queues": [{"id": "a", "answer_within": "soon"}]}, ["/queues/0/answer_within"]),
        ({"targets": [{"kpi": "volume", "target": -1}]}, ["/targets/0/target"]),
        ({"surprise": 1}, ["/surprise"]),
    ],
)
async def test_a_part_that_breaks_rules_is_refused_with_the_places(
    shared_ground: Ground, process: Process, workspace_id: str, part: dict[str, Any], pointers: list[str]
) -> None:
    http = await shared_ground.http(process, workspace_id)
    for is_dry in (False, True):
        answer = await http.put("/v1/configuration", json=part, headers=ANY, params={"dry_run": is_dry})
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert (await http.get("/v1/configuration")).json()["version"] == 0


async def test_queues_roster_and_targets_show_at_once_and_after_a_restart(ground: Ground) -> None:
    process = await ground.start()
    http = await ground.http(process, "acme")
    part = {
        "queues": [{"id": "billing", "answer_within": "20s"}],
        "roster": ["ada", "bob"],
        "targets": [
            {"kpi": "first_reply.p90", "target": 3600},
            {"kpi": "volume", "queue": "billing", "target": 5},
        ],
    }
    assert (await http.put("/v1/configuration", json=part, headers=ANY)).status_code == 200
    for _ in range(2):
        http = await ground.http(process, "acme")
        answer = (await http.get("/v1/kpis", params={"by": ["workspace", "queue", "agent"]})).json()
        values = board(answer["values"])
        expected = {
            ("volume", "today", (("queue", "billing"),)): (0, 0),
            ("first_reply", "today", (("queue", "billing"),)): (None, 0),
            ("agents.offline", "now", ()): (2, None),
            ("agents.offline", "now", (("agent", "bob"),)): (1, None),
        }
        assert {key: values[key] for key in expected} == expected
        targets = {
            (item["kpi"], tuple(item["scope"].items())): item["target"]
            for item in answer["values"]
            if item["target"] is not None
        }
        assert targets == {("first_reply.p90", ()): 3600, ("volume", (("queue", "billing"),)): 5}
        await process.stop()
        process = await ground.start()


async def test_the_time_zone_decides_what_today_is(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    http = await shared_ground.http(process, workspace_id)
    now = await shared_ground.now(process)
    s = Scribe(workspace_id)
    for hours in range(24):
        s.opened(f"{workspace_id}/{hours}", now - timedelta(hours=hours, seconds=1))
    await shared_ground.publish(s.events)
    await shared_ground.applied(process, s.events)
    for name in ("UTC", "Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu"):
        await http.put("/v1/configuration", json={"time_zone": name}, headers=ANY)
        local = now.astimezone(ZoneInfo(name))
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        opened = [now - timedelta(hours=hours, seconds=1) for hours in range(24)]
        answer = (
            await http.get("/v1/kpis", params={"kpi": "volume", "window": "today", "by": "workspace"})
        ).json()
        assert answer["values"][0]["value"] == sum(at >= midnight for at in opened), name
        assert datetime.fromisoformat(answer["windows"]["today"]["from"]) == midnight
