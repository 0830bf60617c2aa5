"""`POST /v1/rebuilds`: the proof that rollups and facts agree, and the repair where they do not."""

from datetime import datetime, timedelta

import asyncpg
import pytest

from tests.integration.metrics.generated import desk
from tests.integration.metrics.running import Ground, Process
from tests.scribe import Scribe


async def test_what_differs_is_found_repaired_and_shown_right_again(ground: Ground) -> None:
    process = await ground.start()
    now = await ground.now(process)
    s = desk("acme", tickets=100, until=now, hours=3)
    await ground.publish(s.events)
    await ground.applied(process, s.events)
    http = await ground.http(process, "acme")
    span = {"from": (now - timedelta(hours=4)).isoformat(), "to": (now + timedelta(minutes=1)).isoformat()}
    series = {"from": span["from"], "to": span["to"], "interval": "15m", "queue": "billing"}
    before = (await http.get("/v1/kpis/volume/series", params=series)).json()["points"]

    owner = await asyncpg.connect(ground.database.owner_url)
    await owner.execute("SELECT set_config('app.workspaces', 'acme', false)")
    await owner.execute("UPDATE rollup SET facts = facts + 7 WHERE dimension = 'workspace' AND kind = 'opened'")
    await owner.execute("DELETE FROM rollup WHERE dimension = 'queue' AND kind = 'opened'")
    await owner.execute(
        "INSERT INTO rollup SELECT workspace_id, 'queue', 'ghost', kind, aspect, bucket, facts, total, minimum,"
        " maximum, distribution FROM rollup WHERE dimension = 'channel' LIMIT 1"
    )
    await owner.close()

    dry = (await http.post("/v1/rebuilds", json={**span, "dry_run": True})).json()
    assert dry["different"] > 3
    assert {"queue": "ghost"} in [difference["scope"] for difference in dry["differences"]]
    assert (await http.get("/v1/kpis/volume/series", params=series)).json()["points"] != before
    done = (await http.post("/v1/rebuilds", json=span)).json()
    assert done == dry
    assert (await http.get("/v1/kpis/volume/series", params=series)).json()["points"] == before
    assert (await http.post("/v1/rebuilds", json=span)).json()["different"] == 0


async def test_a_rebuild_goes_on_while_events_come_in(ground: Ground) -> None:
    process = await ground.start()
    now = await ground.now(process)
    http = await ground.http(process, "acme")
    s = Scribe("acme")
    span = {"from": (now - timedelta(hours=30)).isoformat(), "to": (now + timedelta(minutes=1)).isoformat()}
    for round_ in range(5):
        for number in range(200):
            s.opened(f"t{round_}-{number}", now - timedelta(minutes=9 * number))
        await ground.publish(s.events[-400:])
        assert (await http.post("/v1/rebuilds", json=span)).json()["different"] == 0
    await ground.applied(process, s.events)
    answer = await http.get("/v1/kpis/volume/tickets", params={"from": span["from"], "limit": 1})
    assert len(answer.json()["items"]) == 1
    series = (await http.get("/v1/kpis/volume/series", params={**span, "interval": "1d"})).json()["points"]
    assert sum(point["value"] for point in series) == 1000


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), ("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z")],
)
async def test_a_span_that_is_none_or_too_long_is_refused(
    shared_ground: Ground, process: Process, workspace_id: str, since: str, until: str
) -> None:
    http = await shared_ground.http(process, workspace_id)
    answer = await http.post("/v1/rebuilds", json={"from": since, "to": until})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/to"


async def test_only_an_administrator_may_rebuild(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    span = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z"}
    assert (await http.post("/v1/rebuilds", json=span)).status_code == 403


async def test_a_dry_run_of_a_quiet_span_looks_at_nothing(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    http = await shared_ground.http(process, workspace_id)
    start = datetime.fromisoformat("2026-01-01T00:07:00Z")
    span = {"from": start.isoformat(), "to": (start + timedelta(hours=3)).isoformat(), "dry_run": True}
    answer = (await http.post("/v1/rebuilds", json=span)).json()
    assert answer == {"cells": 0, "different": 0, "differences": []}
