"""History over days on which the clocks change."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.vocabulary import TicketStatus
from tests.integration.metrics.running import Ground, Process
from tests.scribe import Scribe

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
async def test_a_local_day_is_as_long_as_it_is(
    shared_ground: Ground, process: Process, workspace_id: str, day: str, hours: int
) -> None:
    http = await shared_ground.http(process, workspace_id)
    part = {"time_zone": "Europe/Berlin"}
    assert (await http.put("/v1/configuration", json=part, headers={"If-Match": "*"})).status_code == 200
    midnight = datetime.fromisoformat(day).replace(tzinfo=BERLIN)
    start = datetime.fromtimestamp(midnight.timestamp(), ZoneInfo("UTC"))
    s = Scribe(workspace_id)
    # One ticket in the middle of each quarter of an hour of three days.
    for quarter in range(-96, 96 * 2):
        s.opened(f"{workspace_id}/{quarter}", start + timedelta(minutes=15 * quarter + 7))
    await shared_ground.publish(s.events)
    await shared_ground.applied(process, s.events)
    asked = {"from": midnight.isoformat(), "to": (midnight + timedelta(hours=12)).isoformat()}
    days = (await http.get("/v1/kpis/volume/series", params={**asked, "interval": "1d"})).json()
    assert [point["value"] for point in days["points"]] == [4 * hours]
    assert days["time_zone"] == "Europe/Berlin"
    (point,) = days["points"]
    whole = {"from": point["from"], "to": point["to"]}
    by_hour = (await http.get("/v1/kpis/volume/series", params={**whole, "interval": "1h"})).json()["points"]
    assert [point["value"] for point in by_hour] == [4] * hours
    by_quarter = (await http.get("/v1/kpis/volume/series", params={**whole, "interval": "15m"})).json()["points"]
    assert [point["value"] for point in by_quarter] == [1] * 4 * hours


async def test_a_long_span_is_cut_and_says_where_to_go_on(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    asked = {"from": "2026-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z", "interval": "1h"}
    series = (await http.get("/v1/kpis/first_reply/series", params=asked)).json()
    assert len(series["points"]) == 1000
    assert series["next_from"] == series["points"][-1]["to"]
    rest = (await http.get("/v1/kpis/first_reply/series", params={**asked, "from": series["next_from"]})).json()
    assert len(series["points"]) + len(rest["points"]) == 24 * 59
    assert rest["next_from"] is None
    assert {(point["value"], point["samples"]) for point in rest["points"]} == {(None, 0)}


async def test_a_span_that_ends_before_it_begins_has_no_points(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    asked = {"from": "2026-03-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    assert (await http.get("/v1/kpis/volume/series", params=asked)).json()["points"] == []
    far = {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z", "interval": "1d"}
    assert (await http.get("/v1/kpis/volume/series", params=far)).json()["points"][0]["from"][:4] in (
        "1999",
        "2000",
    )


async def test_reopening_moves_the_resolution_out_of_its_interval(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    now = await shared_ground.now(process)
    start = now - timedelta(days=3)
    s, name = Scribe(workspace_id), f"{workspace_id}/t"
    s.opened(name, start)
    s.went(name, start + timedelta(hours=1), TicketStatus.OPEN, TicketStatus.SOLVED)
    http = await shared_ground.http(process, workspace_id, "metrics:read")

    async def resolved() -> list[tuple[int, float]]:
        asked = {"from": start.isoformat(), "to": now.isoformat(), "interval": "1h"}
        points = (await http.get("/v1/kpis/full_resolution/series", params=asked)).json()["points"]
        return [(index, point["value"]) for index, point in enumerate(points) if point["samples"]]

    await shared_ground.publish(s.events)
    await shared_ground.applied(process, s.events)
    assert await resolved() == [(1, 3600)]
    s.went(name, start + timedelta(hours=2), TicketStatus.SOLVED, TicketStatus.OPEN, agent=None, cause="reopen")
    await shared_ground.publish(s.events[-1:])
    await shared_ground.applied(process, s.events)
    assert await resolved() == []
    s.went(name, start + timedelta(hours=5), TicketStatus.OPEN, TicketStatus.SOLVED)
    await shared_ground.publish(s.events[-1:])
    await shared_ground.applied(process, s.events)
    assert await resolved() == [(5, 5 * 3600)]
