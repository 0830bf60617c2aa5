"""`GET /v1/kpis/stream` over real connections."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.local.stack import Stack
from shared.clock import monotonic
from shared.events.access import AccessRevokedV1
from shared.vocabulary import AgentState
from tests.eventually import eventually
from tests.integration.metrics.generated import as_delivered, desk
from tests.integration.metrics.listening import Key, Listening, board, listening
from tests.integration.metrics.running import Ground, Process
from tests.scribe import Scribe

AGEING = "oldest_waiting"


async def current(http: httpx.AsyncClient, **query: Any) -> dict[Key, tuple[float | None, int | None]]:
    answer = await http.get("/v1/kpis", params=query)
    assert answer.status_code == 200, answer.text
    return board(answer.json()["values"])


def settled(state: dict[Key, tuple[float | None, int | None]]) -> dict[Key, tuple[float | None, int | None]]:
    """Without what changes with every second."""
    return {key: value for key, value in state.items() if key[0] != AGEING}


async def agree(http: httpx.AsyncClient, *heard: Listening, **query: Any) -> None:
    """Waits until these clients show what a fresh request shows."""

    async def probe() -> bool:
        truth = settled(await current(http, **query))
        for one in heard:
            assert settled(one.state) == truth
        return True

    await eventually(probe, within_s=15)


async def test_snapshot_and_deltas_end_where_a_fresh_request_begins_also_after_a_cut(ground: Ground) -> None:
    process = await ground.start()
    now = await ground.now(process)
    events = desk("acme", tickets=300, until=now, hours=2).events
    pieces = as_delivered(events, "stream-7", 8)  # tickets come first: that shows
    http = await ground.http(process, "acme", "metrics:read")
    by: dict[str, Any] = {"by": ["workspace", "queue", "channel", "agent", "tier"]}
    async with listening(http, **by) as steady:
        assert steady.kinds() == ["snapshot"]
        assert steady.events[0].retry == 2000
        async with listening(http, **by) as before:
            await ground.publish(pieces[0])
            await eventually(lambda: len(before.events) > 1)
            for piece in pieces[1:3]:
                await ground.publish(piece)
            await eventually(lambda: len(before.events) > 2)
        for piece in pieces[3:6]:
            await ground.publish(piece)
        await ground.applied(process, events)
        async with listening(http, last=before.last_id, **by) as after:
            after.state = {**before.state, **after.state}
            for piece in pieces[6:]:
                await ground.publish(piece)
            await ground.applied(process, events)
            await agree(http, steady, after, **by)
            assert "snapshot" not in after.kinds()
            numbers = [*before.numbers(), *after.numbers()]
            assert numbers == sorted(set(numbers))
            assert steady.numbers() == sorted(set(steady.numbers()))
            assert {event.id.partition("-")[0] for event in [*steady.events, *after.events]} == {
                steady.last_id.partition("-")[0]
            }


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ("1-999999", "future"),
        ("999-1", "other_epoch"),
        ("0-0", "other_epoch"),
        ("garbage", "unknown"),
        ("-", "unknown"),
        ("9" * 200 + "-1", "unknown"),
    ],
)
async def test_an_id_that_cannot_be_resumed_from_gives_a_snapshot_with_the_reason(
    shared_ground: Ground, process: Process, workspace_id: str, last: str, reason: str
) -> None:
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    async with listening(http, last=last) as heard:
        (event,) = heard.events
        assert (event.event, event.json()["reason"]) == ("snapshot", reason)


async def test_a_filter_shows_what_was_asked_for_and_nothing_else(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    now = await shared_ground.now(process)
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    query: dict[str, Any] = {"kpi": ["volume", "waiting"], "window": ["15m", "now"], "queue": "billing"}
    async with listening(http, **query) as heard:
        s = Scribe(workspace_id)
        for queue in ("sales", "billing"):
            s.opened(f"{workspace_id}/{queue}", now)
            s.queued(f"{workspace_id}/{queue}", now, queue=queue)
        await shared_ground.publish(s.events)
        billing = (("queue", "billing"),)
        await eventually(lambda: heard.state.get(("volume", "15m", billing)) == (1, 1))
        await eventually(lambda: heard.state.get(("waiting", "now", billing)) == (1, None))
        assert len(heard.state) == 2


async def test_time_alone_moves_what_waits(shared_ground: Ground, process: Process, workspace_id: str) -> None:
    now = await shared_ground.now(process)
    s = Scribe(workspace_id)
    s.opened(f"{workspace_id}/t", now - timedelta(minutes=5) + timedelta(seconds=4))
    s.queued(f"{workspace_id}/t", now)
    await shared_ground.publish(s.events)
    await shared_ground.applied(process, s.events)
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    async with listening(http, by="workspace") as heard:
        assert heard.of("volume", "5m") == 1
        first = heard.of(AGEING, "now")
        await eventually(lambda: heard.of("volume", "5m") == 0)
        later = heard.of(AGEING, "now")
        assert first + 2 < later < first + 30
        ticks = [event for event in heard.events[1:] if AGEING in event.data]
        assert len(ticks) <= later - first + 2


async def test_a_revoked_token_ends_its_stream_and_no_other(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    doomed = await shared_ground.http(process, workspace_id, "metrics:read", jti="doomed")
    good = await shared_ground.http(process, workspace_id, "metrics:read", jti="good")
    now = await shared_ground.now(process)
    async with listening(doomed) as cut, listening(good) as stays:
        s = Scribe(workspace_id)
        s.tell(AccessRevokedV1(jti="doomed", expires_at=now + timedelta(hours=1)), now)
        await shared_ground.publish(s.events)
        await eventually(lambda: cut.is_over)
        assert not stays.is_over
    assert (await doomed.get("/v1/kpis")).status_code == 401


async def test_streams_end_at_once_when_the_process_stops(ground: Ground) -> None:
    process = await ground.start()
    http = await ground.http(process, "acme", "metrics:read")
    async with listening(http) as heard:
        began = monotonic()
        await process.stop()
        assert heard.is_over
        assert monotonic() - began < 5


@pytest.fixture
async def impatient(stack: Stack, metrics_template: str, tmp_path: Path) -> AsyncIterator[Ground]:
    """A ground whose streams wait for nobody."""
    async with Ground.open(stack, metrics_template, "impatient", tmp_path, stream_send_limit_s=1) as made:
        yield made


async def test_a_client_that_does_not_read_is_cut_and_nobody_else_notices(impatient: Ground) -> None:
    ground = impatient
    process = await ground.start()
    admin = await ground.http(process, "acme")
    # So many agents that their values do not fit into the buffers between server and client.
    agents = [f"agent-{number}" for number in range(400)]
    part = {"roster": agents}
    assert (await admin.put("/v1/configuration", json=part, headers={"If-Match": "*"})).status_code == 200
    url = httpx.URL(process.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((url.host, url.port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
    bearer = admin.headers["Authorization"]
    writer.write(f"GET /v1/kpis/stream?by=agent HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\n\r\n".encode())
    await writer.drain()
    assert b"200" in await reader.readline()
    now = await ground.now(process)
    async with listening(admin) as fast:
        s, bursts = Scribe("acme"), 0

        async def is_cut() -> bool:
            nonlocal bursts
            bursts += 1
            state = AgentState.AVAILABLE if bursts % 2 else AgentState.BUSY
            await ground.publish([s.state(agent, now, state) for agent in agents])
            await ground.applied(process, s.events)
            lines = (await admin.get("/metrics")).text.splitlines()
            return "waypost_stream_clients_cut_total 1.0" in lines

        await eventually(is_cut, within_s=60)
        state = AgentState.AVAILABLE if bursts % 2 else AgentState.BUSY
        await eventually(lambda: fast.of(f"agents.{state}", "now") == len(agents))
        assert not fast.is_over
        # What was on its way still comes, and then the end.
        async with asyncio.timeout(20):
            while await reader.read(1 << 20):
                pass
    writer.close()


async def test_more_values_than_can_be_made_at_once_are_refused(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    http = await shared_ground.http(process, workspace_id)
    part = {"roster": [f"agent-{number}" for number in range(2000)]}
    assert (await http.put("/v1/configuration", json=part, headers={"If-Match": "*"})).status_code == 200
    for path in ("/v1/kpis", "/v1/kpis/stream"):
        assert (await http.get(path, params={"by": "agent"})).status_code == 422
    answer = await http.get("/v1/kpis", params={"by": "agent", "kpi": "agents.offline"})
    assert len(answer.json()["values"]) == 2000


async def test_numbers_that_lag_are_marked_and_recover(ground: Ground) -> None:
    process = await ground.start()
    now = await ground.now(process)
    http = await ground.http(process, "acme", "metrics:read")
    assert (await http.get("/v1/kpis")).json()["is_stale"] is False
    blocker = await asyncpg.connect(ground.database.owner_url)
    s = Scribe("acme")
    s.opened("t", now)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE fact IN EXCLUSIVE MODE")
        await ground.publish(s.events)

        async def is_stale() -> bool:
            answer = await http.get("/v1/kpis", params={"kpi": "volume", "window": "60m"})
            return answer.status_code == 200 and answer.json()["is_stale"] is True

        await eventually(is_stale, within_s=30)
    await blocker.close()
    async with listening(http, kpi="volume", window="60m") as heard:
        await eventually(lambda: heard.state.get(("volume", "60m", ())) == (1, 1), within_s=15)
        await eventually(lambda: heard.events[-1].json()["is_stale"] is False, within_s=15)


async def test_a_change_reaches_its_listeners_in_a_fraction_of_a_second(
    shared_ground: Ground, process: Process, workspace_id: str
) -> None:
    now = await shared_ground.now(process)
    http = await shared_ground.http(process, workspace_id, "metrics:read")
    delays: list[float] = []
    async with listening(http, kpi="volume", window="today") as heard:
        s = Scribe(workspace_id)
        for number in range(1, 41):
            s.opened(f"{workspace_id}/{number}", now)
            began = monotonic()
            await shared_ground.publish(s.events[-2:])
            await eventually(partial(_shows, heard, number))
            delays.append(monotonic() - began)
    delays.sort()
    assert delays[len(delays) // 2] < 0.25, delays


def _shows(heard: Listening, volume: int) -> bool:
    return heard.of("volume", "today") == volume
