"""Messages per second in batches into one intake process, beside a bare FastAPI application in the same run."""

import json
from itertools import pairwise
from statistics import mean

from tests.keys import token
from tests.load.figures import Effort, Figure, Say, Section
from tests.load.generator import NUMBER, PERSON, Job, Outcome, drive, get, post
from tests.load.messages import TEXT
from tests.load.workbench import WORKSPACES, Workbench, workbench

SIZE = 100
CONNECTIONS = 4


async def measure(effort: Effort, say: Say) -> Section:
    """Bare, batches, bare, and so on, one at a time; bare comes first and last."""
    seconds = effort.of(10, 3)
    pings: list[float] = []
    batches: list[Outcome] = []
    async with workbench(say) as bench:
        ping, intake = await bench.yardstick(), await bench.service("intake")
        await ping.start()
        await intake.start()
        try:
            first = 0
            for number in range(effort.rounds):
                pings.append((await drive(Job(ping.port, [get("/ping")], 64, seconds))).per_second)
                requests = [_request(f"workspace-{index:02}") for index in range(WORKSPACES)]
                outcome = await drive(Job(intake.port, requests, CONNECTIONS, seconds, first=first))
                assert set(outcome.statuses) == {"200"}, outcome.statuses
                first += outcome.sent
                batches.append(outcome)
                say(
                    f"round {number + 1} of {effort.rounds}: bare {pings[-1]:.0f}/s, "
                    f"messages {SIZE * outcome.per_second:.0f}/s"
                )
                await _settled(bench, first)
            pings.append((await drive(Job(ping.port, [get("/ping")], 64, seconds))).per_second)
        finally:
            await intake.stop()
            await ping.stop()
    around = [mean(pair) for pair in pairwise(pings)]
    rates = [SIZE * outcome.per_second for outcome in batches]
    shares = [100 * rate / bare for rate, bare in zip(rates, around, strict=True)]
    return Section(
        "Batches of messages into one intake process",
        [
            f"`POST /v1/messages/batch`, {SIZE} messages a batch, {CONNECTIONS} connections, each waiting for its "
            f"answer before the next batch; {len(_request('workspace-00').partition(_END)[2]) // SIZE} bytes a "
            f"message; {WORKSPACES} workspaces; each message opens a ticket. The answer comes after the commit.",
            f"Rounds of {seconds} s after 1 s of warming up. The relay runs. Beside it a bare FastAPI `GET /ping` "
            "as above.",
        ],
        [
            Figure("messages", "/s", rates),
            Figure("bare FastAPI", "/s", pings),
            Figure("messages, of bare FastAPI", "%", shares),
            Figure("answer to a batch, p50", "ms", [outcome.p50_ms for outcome in batches]),
            Figure("answer to a batch, p99", "ms", [outcome.p99_ms for outcome in batches]),
        ],
    )


_END = "\r\n\r\n"


def _request(workspace_id: str) -> str:
    return post(
        "/v1/messages/batch",
        token(workspace_id),
        [
            {
                "channel": "api",
                "external_id": f"m-{NUMBER}-{index}",
                "from": {"email": f"c{index}-{PERSON}@example.org"},
                "subject": "Printer on fire",
                "text": TEXT,
            }
            for index in range(SIZE)
        ],
    )


async def _settled(bench: Workbench, sent: int) -> None:
    """Every message of these batches has its ticket, and every event is published."""
    connection = await bench.connection("intake")
    try:
        counted = 0
        for index in range(WORKSPACES):
            await connection.execute("SELECT set_config('app.workspaces', $1, false)", f"workspace-{index:02}")
            counted += await connection.fetchval("SELECT count(*) FROM ticket")
    finally:
        await connection.close()
    assert counted == sent * SIZE, json.dumps({"tickets": counted, "messages": sent * SIZE})
    await bench.drained("intake")
