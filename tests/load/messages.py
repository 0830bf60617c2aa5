"""Messages per second into one intake process, beside a bare FastAPI application in the same run."""

from itertools import pairwise
from statistics import mean

from tests.keys import token
from tests.load.figures import Effort, Figure, Say, Section
from tests.load.generator import NUMBER, PERSON, Job, Outcome, drive, get, post
from tests.load.workbench import WORKSPACES, Process, workbench

CONNECTIONS = 64
KNOWN = 2000
"""How many messages the repeats are repeats of."""
TEXT = "It burns and it does not stop, please help me with this printer of yours."


async def measure(effort: Effort, say: Say) -> Section:
    """Bare, messages, repeats, bare, messages, and so on, one at a time; bare comes first and last."""
    seconds = effort.of(10, 3)
    pings: list[float] = []
    fresh: list[Outcome] = []
    repeats: list[Outcome] = []
    unpublished: list[float] = []
    async with workbench(say) as bench:
        ping, intake = await bench.yardstick(), await bench.service("intake")
        await ping.start()
        await intake.start()
        try:
            first = 0
            while first < KNOWN:
                first += (await drive(_messages(intake, seconds=1, first=first))).sent
            for number in range(effort.rounds):
                pings.append(await _ping(ping, seconds))
                outcome = await drive(_messages(intake, seconds=seconds, first=first))
                unpublished.append(await bench.pending("intake"))
                first += outcome.sent
                _require(outcome, "201")
                fresh.append(outcome)
                await bench.drained("intake")
                again = await drive(_messages(intake, seconds=effort.of(5, 2), repeats=KNOWN))
                _require(again, "200")
                repeats.append(again)
                say(
                    f"round {number + 1} of {effort.rounds}: bare {pings[-1]:.0f}/s, "
                    f"messages {outcome.per_second:.0f}/s, repeats {again.per_second:.0f}/s"
                )
            pings.append(await _ping(ping, seconds))
        finally:
            await intake.stop()
            await ping.stop()
    around = [mean(pair) for pair in pairwise(pings)]
    size = len(_body_of(_request("workspace-00")))
    return Section(
        "Messages into one intake process",
        [
            f"`POST /v1/messages`, {CONNECTIONS} connections, each waiting for its answer before the next "
            f"request; {size} bytes of JSON, a subject and {len(TEXT)} characters of text; {WORKSPACES} "
            "workspaces, 5,000 senders a workspace at most; each message opens a ticket. "
            "The answer comes after the commit.",
            f"Rounds of {seconds} s after 1 s of warming up. The relay runs: every ticket's events are published "
            "to Kafka meanwhile.",
            "Beside it, before and after each round, a bare FastAPI `GET /ping` in one process on the same "
            "uvicorn with the same settings and the same number of connections; the ratio is "
            "to the mean of the two.",
            f"Repeats are messages that were received before, {KNOWN:,} of them over and over: they are answered "
            "with the first result and store nothing.",
        ],
        [
            Figure("messages", "/s", [outcome.per_second for outcome in fresh]),
            Figure("bare FastAPI", "/s", pings),
            Figure(
                "messages, of bare FastAPI",
                "%",
                [100 * outcome.per_second / bare for outcome, bare in zip(fresh, around, strict=True)],
            ),
            Figure("answer, p50", "ms", [outcome.p50_ms for outcome in fresh]),
            Figure("answer, p99", "ms", [outcome.p99_ms for outcome in fresh]),
            Figure("events not yet published once the last answer of a round has been read", "", unpublished),
            Figure("repeats", "/s", [outcome.per_second for outcome in repeats]),
        ],
    )


def _messages(intake: Process, *, seconds: float, first: int = 0, repeats: int | None = None) -> Job:
    requests = [_request(f"workspace-{number:02}") for number in range(WORKSPACES)]
    return Job(intake.port, requests, CONNECTIONS, seconds, first=first, repeats=repeats)


def _request(workspace_id: str) -> str:
    return post(
        "/v1/messages",
        token(workspace_id),
        {
            "channel": "api",
            "external_id": f"m-{NUMBER}",
            "from": {"email": f"c{PERSON}@example.org"},
            "subject": "Printer on fire",
            "text": TEXT,
        },
    )


def _body_of(request: str) -> str:
    return request.partition("\r\n\r\n")[2]


async def _ping(ping: Process, seconds: float) -> float:
    outcome = await drive(Job(ping.port, [get("/ping")], CONNECTIONS, seconds))
    _require(outcome, "200")
    return outcome.per_second


def _require(outcome: Outcome, status: str) -> None:
    assert set(outcome.statuses) == {status}, outcome.statuses
