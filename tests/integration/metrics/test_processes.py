"""Several processes share the workspaces: whoever is asked answers, and takeovers leave nothing out."""

from datetime import timedelta
from functools import partial

from tests.eventually import eventually
from tests.integration.metrics.listening import Listening, board, listening
from tests.integration.metrics.running import Ground, Process
from tests.scribe import Scribe
from tests.shards import SHARDS, shard_of


def holder_of(workspace_id: str, processes: list[Process]) -> tuple[Process, Process]:
    """The process that holds a workspace, and one that does not."""
    n = shard_of(workspace_id)
    holders = [
        process for process in processes if n in [shard.n for shard in process.service.runtime.leases.held()]
    ]
    (holder,) = holders
    (other,) = [process for process in processes if process is not holder]
    return holder, other


def _waits(heard: Listening) -> bool:
    return heard.of("waiting", "now") == 1


async def two(ground: Ground) -> list[Process]:
    first = await ground.start("metrics-1")
    second = await ground.start("metrics-2", shards=SHARDS // 2)
    await eventually(lambda: first.shards() == SHARDS // 2)
    return [first, second]


async def test_requests_and_streams_reach_the_holder_through_any_process(ground: Ground) -> None:
    processes = await two(ground)
    for workspace_id in ("acme", "globex", "initech"):
        holder, other = holder_of(workspace_id, processes)
        near, far = await ground.http(holder, workspace_id), await ground.http(other, workspace_id)
        part = {"queues": [{"id": "billing"}]}
        assert (await far.put("/v1/configuration", json=part, headers={"If-Match": "*"})).status_code == 200
        async with listening(far) as heard:
            s = Scribe(workspace_id)
            now = await ground.now(holder)
            s.opened("t", now)
            s.queued("t", now)
            await ground.publish(s.events)
            await eventually(partial(_waits, heard))
            values = [
                (await http.get("/v1/kpis", params={"kpi": "volume"})).json()["values"] for http in (near, far)
            ]
            assert board(values[0]) == board(values[1])
            assert board(values[0])["volume", "today", (("queue", "billing"),)] == (1, 1)
        span = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
        assert (await far.post("/v1/rebuilds", json=span)).json()["different"] == 0
        for path in ("/v1/kpis/volume/series", "/v1/kpis/waiting/tickets", "/v1/definitions"):
            assert (await far.get(path)).status_code == 200
        assert (await far.get("/v1/kpis", headers={"Waypost-Forwarded": "1"})).status_code == 503


async def test_a_takeover_ends_streams_and_the_next_holder_goes_on_with_a_snapshot(ground: Ground) -> None:
    processes = await two(ground)
    holder, other = holder_of("acme", processes)
    http = await ground.http(other, "acme", "metrics:read")
    s = Scribe("acme")
    now = await ground.now(holder)
    async with listening(http) as heard:
        s.opened("t", now)
        s.queued("t", now - timedelta(seconds=30))
        await ground.publish(s.events)
        await eventually(lambda: heard.of("waiting", "now") == 1)
        await holder.stop()
        await eventually(lambda: heard.is_over, within_s=15)
    await eventually(lambda: other.shards() == SHARDS, within_s=15)
    async with listening(http, last=heard.last_id) as again:
        event = again.events[0]
        assert (event.event, event.json()["reason"]) == ("snapshot", "other_epoch")
        assert again.of("waiting", "now") == 1
        assert again.of("volume", "60m") == 1
        s.assigned("t", now)
        await ground.publish(s.events[-1:])
        await eventually(lambda: again.of("waiting", "now") == 0)
        assert again.of("time_to_assign", "60m") == 0


async def test_what_is_in_memory_survives_a_restart(ground: Ground) -> None:
    process = await ground.start()
    now = await ground.now(process)
    s = Scribe("acme")
    s.agent("ada", now)
    s.state("ada", now)
    s.opened("t", now - timedelta(minutes=20))
    s.queued("t", now - timedelta(minutes=20))
    s.opened("u", now - timedelta(minutes=3))
    s.queued("u", now - timedelta(minutes=3), queue="sales")
    s.assigned("u", now - timedelta(minutes=2), queue="sales")
    await ground.publish(s.events)
    await ground.applied(process, s.events)
    query = {"by": ["workspace", "queue", "channel", "agent", "tier"]}
    before = board((await (await ground.http(process, "acme")).get("/v1/kpis", params=query)).json()["values"])
    await process.stop()
    process = await ground.start()
    after = board((await (await ground.http(process, "acme")).get("/v1/kpis", params=query)).json()["values"])
    assert {key: value for key, value in after.items() if key[0] != "oldest_waiting"} == {
        key: value for key, value in before.items() if key[0] != "oldest_waiting"
    }
    assert (after["oldest_waiting", "now", ()][0] or 0) >= 20 * 60
