"""From a message that was accepted to the offer that its agent sees, in an idle system."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from httpx_sse import aconnect_sse

from shared.clock import monotonic
from tests.load.figures import Effort, Figure, Say, Section, percentile
from tests.load.installation import AGENT, Installation, installation, message

WARM_UP = 20


async def measure(effort: Effort, say: Say) -> Section:
    """Messages one at a time; each ticket is taken and solved before the next message."""
    samples = effort.of(300, 40)
    accepted: list[list[float]] = []
    sent: list[list[float]] = []
    async with installation(say) as running, _desk(running) as desk:
        async with running.http("intake") as intake, running.http("router") as router:
            for number in range(WARM_UP):
                await _sample(number, desk, intake, router)
            number = WARM_UP
            for turn in range(effort.rounds):
                pairs = []
                for _ in range(samples):
                    pairs.append(await _sample(number, desk, intake, router))
                    number += 1
                sent.append([pair[0] for pair in pairs])
                accepted.append([pair[1] for pair in pairs])
                say(f"round {turn + 1} of {effort.rounds}: p50 {1000 * percentile(accepted[-1], 0.5):.0f} ms")

    def figure(what: str, share: float, of: list[list[float]]) -> Figure:
        return Figure(what, "ms", [1000 * percentile(values, share) for values in of])

    return Section(
        "Message accepted to offer visible, idle",
        [
            f"All four services run and nothing else happens. {samples} messages a round, one at a time "
            "(`POST /v1/messages`, one connection); each ticket is accepted and solved, and the agent's desk "
            "empty again, before the next message.",
            "The clock starts when the client has the answer 201, for the second pair of figures when it begins "
            "to send, and stops when the agent's own stream (`GET /v1/agents/{id}/stream`, server-sent events) "
            "shows the offer: nobody polls.",
        ],
        [
            figure("accepted to visible, p50", 0.50, accepted),
            figure("accepted to visible, p99", 0.99, accepted),
            figure("sent to visible, p50", 0.50, sent),
            figure("sent to visible, p99", 0.99, sent),
        ],
    )


class _Desk:
    """What the agent sees, and since when."""

    def __init__(self) -> None:
        self.since: dict[str, float] = {}
        """Ticket to the moment at which its offer was seen."""
        self.is_empty = True
        self.changed = asyncio.Condition()

    async def follow(self, client: httpx.AsyncClient) -> None:
        """Reads the stream until it is cancelled."""
        timeout = httpx.Timeout(10, read=60)
        async with aconnect_sse(client, "GET", f"/v1/agents/{AGENT}/stream", timeout=timeout) as source:
            async for event in source.aiter_sse():
                now = monotonic()
                desk = event.json()
                async with self.changed:
                    for offer in desk["offers"]:
                        self.since.setdefault(offer["ticket_id"], now)
                    self.is_empty = not desk["offers"] and not desk["work"]
                    self.changed.notify_all()


@asynccontextmanager
async def _desk(running: Installation) -> AsyncIterator[_Desk]:
    desk = _Desk()
    async with running.http("router") as client:
        following = asyncio.create_task(desk.follow(client))
        try:
            yield desk
        finally:
            following.cancel()


async def _sample(
    number: int, desk: _Desk, intake: httpx.AsyncClient, router: httpx.AsyncClient
) -> tuple[float, float]:
    """Seconds from sending one message, and from its answer, to its offer."""
    began = monotonic()
    answer = await intake.post("/v1/messages", json=message(number))
    accepted = monotonic()
    assert answer.status_code == 201, answer.text
    ticket_id: str = answer.json()["ticket_id"]
    async with asyncio.timeout(30), desk.changed:
        await desk.changed.wait_for(lambda: ticket_id in desk.since)
    seen = desk.since[ticket_id]
    offers = (await router.get(f"/v1/agents/{AGENT}/offers")).json()["items"]
    (offer_id,) = [offer["offer_id"] for offer in offers if offer["ticket_id"] == ticket_id]
    (await router.post(f"/v1/offers/{offer_id}/accept")).raise_for_status()
    (await intake.patch(f"/v1/tickets/{ticket_id}", json={"status": "solved"})).raise_for_status()
    async with asyncio.timeout(30), desk.changed:
        await desk.changed.wait_for(lambda: desk.is_empty and ticket_id in desk.since)
    return seen - began, seen - accepted
