"""Drill-down: what stands behind a number is as much as the number says."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from services.metrics.domain.definitions import VARIANTS
from tests.integration.metrics.checking import Truth
from tests.integration.metrics.generated import as_delivered, desk
from tests.integration.metrics.running import Ground, Process
from tests.scribe import Scribe, uid


async def listed(
    http: httpx.AsyncClient, kpi: str, *, since: datetime | str, limit: int = 200, **asked: Any
) -> list[dict[str, Any]]:
    """All pages of what stands behind a number."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    asked["from"] = since if isinstance(since, str) else since.isoformat()
    while True:
        answer = await http.get(f"/v1/kpis/{kpi}/tickets", params={**asked, **cursor, "limit": limit})
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return items
        cursor = {"cursor": answer.json()["next_cursor"]}


async def test_behind_every_number_stands_as_much_as_it_says(ground: Ground) -> None:
    process = await ground.start()
    now = await ground.now(process)
    events = desk("acme", tickets=400, until=now).events
    for piece in as_delivered(events, "tickets", 3):
        await ground.publish(piece)
    await ground.applied(process, events)
    http = await ground.http(process, "acme", "metrics:read")
    truth = Truth(events)
    for kpi in VARIANTS:
        asked: dict[str, Any] = {"window": ["today", "now"], "queue": "billing", "tier": 2, "by": "workspace"}
        current = (await http.get("/v1/kpis", params={**asked, "kpi": kpi})).json()
        for item in current["values"]:
            behind = await listed(http, kpi, since=current["windows"]["today"]["from"], **item["scope"])
            names = {(row["ticket_id"], row["kind"], row["agent"], row["started_at"]) for row in behind}
            assert len(names) == len(behind)
            if kpi == "oldest_waiting":
                oldest = datetime.fromisoformat(current["as_of"]) - datetime.fromisoformat(behind[0]["started_at"])
                assert oldest.total_seconds() == item["value"]
            else:
                expected = item["samples"] if item["samples"] is not None else item["value"]
                assert len(behind) == expected, (item, len(behind))
    attained = truth.of_facts("sla_attainment", {}, now - timedelta(days=9))
    hits = await listed(http, "sla_attainment", since=now - timedelta(days=9), part="hits")
    assert len(hits) == round((attained[0] or 0) * attained[1] / 100)
    assert {row["kind"] for row in hits} == {"clock_met"}
    assert len(await listed(http, "volume", since=now - timedelta(days=9), limit=37)) == 400


async def test_facts_in_several_scopes_at_once_are_counted_and_listed(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    now = await shared_ground.now(process)
    s = Scribe(workspace_id)
    for name, channel, queue in (("a", "email", "billing"), ("b", "chat", "billing"), ("c", "chat", "sales")):
        s.opened(f"{workspace_id}/{name}", now, channel=channel)
        s.queued(f"{workspace_id}/{name}", now, queue=queue)
    await shared_ground.publish(s.events)
    await shared_ground.applied(process, s.events)
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    both: dict[str, Any] = {"queue": "billing", "channel": "chat"}
    since = now - timedelta(hours=1)
    (row,) = await listed(http, "volume", since=since, **both)
    assert row["ticket_id"] == str(uid(f"{workspace_id}/b"))
    assert len(await listed(http, "waiting", since=since, **both)) == 1
    span = {"from": since.isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
    answer = await http.get("/v1/kpis/volume/series", params={**both, **span})
    assert sum(point["value"] for point in answer.json()["points"]) == 1
    assert answer.json()["scope"] == both


async def test_the_longest_waiting_comes_first_and_pages_stay_put_under_insertion(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    now = await shared_ground.now(process)
    s = Scribe(workspace_id)
    for minutes in range(1, 7):
        s.opened(f"{workspace_id}/{minutes}", now - timedelta(minutes=minutes))
        s.queued(f"{workspace_id}/{minutes}", now - timedelta(minutes=minutes))
    await shared_ground.publish(s.events)
    await shared_ground.applied(process, s.events)
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    first = (await http.get("/v1/kpis/waiting/tickets", params={"limit": 3})).json()
    s.opened(f"{workspace_id}/9", now - timedelta(minutes=9))
    later = [s.queued(f"{workspace_id}/9", now - timedelta(minutes=9))]
    await shared_ground.publish(s.events[-3:])
    await shared_ground.applied(process, later)
    rest = (await http.get("/v1/kpis/waiting/tickets", params={"limit": 5, "cursor": first["next_cursor"]})).json()
    order = [datetime.fromisoformat(row["started_at"]) for row in (*first["items"], *rest["items"])]
    assert order == [now - timedelta(minutes=minutes) for minutes in range(6, 0, -1)]
    assert rest["next_cursor"] is None


async def test_an_unknown_kpi_and_a_foreign_cursor_are_refused(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    assert (await http.get("/v1/kpis/happiness/tickets")).status_code == 404
    assert (await http.get("/v1/kpis/happiness/series")).status_code == 404
    assert (await http.get("/v1/kpis/waiting/series")).status_code == 404
    for cursor in ("x", "WzEsMiwzXQ", "WzEsICJ4IiwgInkiXQ", "WzkwMDAwMDAwMDAwMDAwMDAwMDAsICJ4IiwgInkiXQ"):
        for kpi in ("volume", "backlog", "waiting"):
            answer = await http.get(f"/v1/kpis/{kpi}/tickets", params={"cursor": cursor})
            assert answer.status_code == 422, (cursor, kpi, answer.text)
