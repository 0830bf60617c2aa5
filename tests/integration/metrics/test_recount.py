"""Every number equals a recount of the events, whatever the transport and the processes go through."""

import asyncio
from datetime import timedelta

from tests.eventually import eventually
from tests.integration.metrics.checking import Truth, check_current, check_series
from tests.integration.metrics.generated import as_delivered, desk
from tests.integration.metrics.running import Ground, Process
from tests.shards import SHARDS

WORKSPACES = ("acme", "globex", "initech")


async def check(ground: Ground, process: Process, truths: dict[str, Truth]) -> None:
    """Current values of every workspace, and the rollups against the facts."""
    for workspace_id, truth in truths.items():
        http = await ground.http(process, workspace_id, "admin")
        assert await check_current(http, truth) > 1000
        now = await ground.now(process)
        span = {"from": (now - timedelta(hours=60)).isoformat(), "to": now.isoformat()}
        answer = await http.post("/v1/rebuilds", json={**span, "dry_run": True})
        assert answer.json()["different"] == 0, answer.text
        assert answer.json()["cells"] > 1000


async def test_every_number_equals_a_recount_through_repeats_reordering_restart_and_takeover(
    ground: Ground,
) -> None:
    first = await ground.start("metrics-1")
    now = await ground.now(first)
    histories = {name: desk(name, tickets=700, until=now).events for name in WORKSPACES}
    events = [event for history in histories.values() for event in history]
    pieces = as_delivered(events, "delivery", 40)
    third = len(pieces) // 3
    for piece in pieces[:third]:
        await ground.publish(piece)
    # A restart in the middle: what is under way is finished or begun anew.
    await asyncio.gather(first.stop(), ground.publish(pieces[third]))
    first = await ground.start("metrics-1")
    for piece in pieces[third + 1 : 2 * third]:
        await ground.publish(piece)
    # A second process takes its share over, then all of it.
    second = await ground.start("metrics-2", shards=SHARDS // 2)
    for piece in pieces[2 * third :]:
        await ground.publish(piece)
    await first.stop()
    await eventually(lambda: second.shards() == SHARDS, within_s=20, what="takeover")
    await ground.applied(second, events)
    truths = {name: Truth(history) for name, history in histories.items()}
    await check(ground, second, truths)
    # What is in memory and what is stored are the same.
    await second.stop()
    await check(ground, await ground.start("metrics-1"), truths)


async def test_history_equals_a_recount_in_every_interval(ground: Ground) -> None:
    process = await ground.start()
    now = await ground.now(process)
    events = desk("acme", tickets=600, until=now).events
    for piece in as_delivered(events, "series", 5):
        await ground.publish(piece)
    await ground.applied(process, events)
    http = await ground.http(process, "acme", "metrics:read")
    scopes: list[dict[str, str]] = [
        {},
        {"queue": "billing"},
        {"channel": "chat"},
        {"agent": "agent-1"},
        {"tier": "2"},
    ]
    points = await check_series(http, Truth(events), scopes, now - timedelta(hours=52), now)
    assert points > 15_000
