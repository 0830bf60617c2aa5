"""From nothing to the first ticket that is offered to somebody."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from deploy.local.jars import cache_folder, provide, read_lock
from shared.clock import monotonic
from tests.eventually import eventually
from tests.load.figures import Effort, Figure, Say, Section
from tests.load.installation import AGENT, Installation, begin, fresh_folder, message

READ = ("ready", "first ticket offered")


async def measure(effort: Effort, say: Say) -> Section:
    """Starts without data, stops, starts with the data, and so on."""
    rounds = 1 if effort.is_quick else effort.rounds
    cache = cache_folder(Path(tempfile.gettempdir()))
    await asyncio.to_thread(provide, read_lock(), cache, progress=say)
    cold: list[tuple[float, float]] = []
    again: list[tuple[float, float]] = []
    for turn in range(rounds):
        async with fresh_folder() as data:
            cold.append(await _start(data, 0, is_first=True))
            say(f"round {turn + 1} of {rounds}: without data {cold[-1][1]:.1f} s")
            again.append(await _start(data, 1, is_first=False))
            say(f"round {turn + 1} of {rounds}: with data {again[-1][1]:.1f} s")
            shutil.rmtree(data)
    return Section(
        "Start to the first routed ticket",
        [
            "`python -m deploy.local up`, which is what `make run` runs once the environment is installed; "
            "Kafka's libraries have been downloaded before. It starts PostgreSQL and Kafka, makes databases and "
            "topics, migrates, starts the four services, and applies the demo workspace.",
            "Ready is when it says so. Then, at once, a client configures a workspace of its own with one "
            "available agent and sends one message; the clock stops when the agent's list of offers, asked for "
            "every 20 ms, shows the ticket. The second start finds data, databases and topics; "
            "the agent is still available.",
        ],
        [
            Figure(f"{name}, {what}", "s", [pair[number] for pair in pairs])
            for name, pairs in (("without data", cold), ("with data", again))
            for number, what in enumerate(READ)
        ],
    )


async def _start(data: Path, number: int, *, is_first: bool) -> tuple[float, float]:
    """Seconds until it is ready, and until the first ticket is offered."""
    began = monotonic()
    running = await begin(data)
    try:
        ready = monotonic() - began
        if is_first:
            await running.configure()
        await _route(running, number)
        return ready, monotonic() - began
    finally:
        await running.stop()


async def _route(running: Installation, number: int) -> None:
    async with running.http("intake") as intake, running.http("router") as router:
        answer = await intake.post("/v1/messages", json=message(number))
        assert answer.status_code == 201, answer.text
        ticket_id = answer.json()["ticket_id"]

        async def is_offered() -> bool:
            offers = (await router.get(f"/v1/agents/{AGENT}/offers")).json()["items"]
            return any(offer["ticket_id"] == ticket_id for offer in offers)

        await eventually(is_offered, within_s=60, what="the first ticket offered")
