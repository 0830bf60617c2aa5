"""From SIGKILL of a service, under its supervisor, to its work going on."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types

from deploy.cli.layout import SERVICES
from deploy.local.keeper import HEALTHY_AFTER_S
from shared.clock import SystemClock, monotonic
from tests.load.figures import Effort, Figure, Say, Section
from tests.load.installation import AGENT, Installation, installation, message

STEP_S = 0.01
PROBE_S = 1.0
"""A request that a dying process has taken is asked again after so long."""
GIVE_UP_S = 60
EFFECTS = {
    "intake": "a message sent after it is accepted",
    "router": "a message sent after it is offered to an agent",
    "escalation": "a ticket opened after it has its clock",
    "metrics": "a ticket opened after it is counted",
}


async def measure(effort: Effort, say: Say) -> Section:
    """Kills the services in turn, and waits for what only the killed one can bring about."""
    rounds = 1 if effort.is_quick else effort.rounds
    taken: dict[str, list[float]] = {name: [] for name in SERVICES}
    async with installation(say) as running:
        crash = _Crash(running)
        for turn in range(rounds):
            for name in SERVICES:
                if not effort.is_quick:
                    await _lived_long(running, name, say)
                taken[name].append(await crash.of(name))
                say(f"round {turn + 1} of {rounds}: {name} {taken[name][-1]:.2f} s")
    return Section(
        "SIGKILL of a service to its work going on",
        [
            "One service at a time is killed in an otherwise idle system, under the supervisor of `make run`, "
            "which starts it again after a fifth of a second (a service that dies young waits longer; here each "
            f"has lived {HEALTHY_AFTER_S:g} s).",
            "The clock stops at an effect that only the killed service can bring about, asked for over HTTP every "
            f"{1000 * STEP_S:g} ms (a request without an answer is given up after {PROBE_S:g} s).",
        ],
        [Figure(f"{name}: {EFFECTS[name]}", "s", values) for name, values in taken.items()],
    )


class _Crash:
    """Kills, and watches."""

    def __init__(self, running: Installation) -> None:
        self._running = running
        self._numbers = count()

    async def of(self, name: str) -> float:
        """Seconds from the signal to the effect."""
        clients = {service: self._running.http(service) for service in SERVICES}
        for client in clients.values():
            client.timeout = httpx.Timeout(PROBE_S)
        try:
            counted = await _volume(clients["metrics"])
            self._running.process(name).send_signal(signal.SIGKILL)
            began = monotonic()
            ticket_id = await self._send(clients["intake"])
            if name == "router":
                await _until(lambda: _is_offered(clients["router"], ticket_id))
            elif name == "escalation":
                await _until(lambda: _has_clock(clients["escalation"], ticket_id))
            elif name == "metrics":
                await _until(lambda: _is_counted(clients["metrics"], counted))
            return monotonic() - began
        finally:
            for client in clients.values():
                await client.aclose()

    async def _send(self, intake: httpx.AsyncClient) -> str:
        body = message(next(self._numbers))
        found: list[str] = []

        async def is_accepted() -> bool:
            answer = await intake.post("/v1/messages", json=body)
            if answer.is_success:
                found.append(answer.json()["ticket_id"])
            return bool(found)

        await _until(is_accepted)
        return found[0]


async def _until(probe: Callable[[], Awaitable[bool]]) -> None:
    """Asks again and again; a service that does not answer says no."""
    async with asyncio.timeout(GIVE_UP_S):
        while True:
            with suppress(httpx.HTTPError):
                if await probe():
                    return
            await asyncio.sleep(STEP_S)


async def _is_offered(router: httpx.AsyncClient, ticket_id: str) -> bool:
    answer = await router.get(f"/v1/agents/{AGENT}/offers")
    return answer.is_success and any(offer["ticket_id"] == ticket_id for offer in answer.json()["items"])


async def _has_clock(escalation: httpx.AsyncClient, ticket_id: str) -> bool:
    return (await escalation.get(f"/v1/tickets/{ticket_id}/clocks")).is_success


async def _is_counted(metrics: httpx.AsyncClient, before: float) -> bool:
    return await _volume(metrics) > before


async def _volume(metrics: httpx.AsyncClient) -> float:
    """How many tickets metrics has counted today."""
    answer = await metrics.get("/v1/kpis", params={"kpi": "volume"})
    if not answer.is_success:
        return -1
    values: list[dict[str, Any]] = answer.json()["values"]
    found = (value["value"] for value in values if not value["scope"] and value["window"] == "today")
    return float(next(found, 0) or 0)


async def _lived_long(running: Installation, name: str, say: Say) -> None:
    """Waits until the service has run so long that its supervisor treats it as healthy."""
    process: psutil.Process = running.process(name)
    age_s = SystemClock().now().timestamp() - process.create_time()
    if age_s < HEALTHY_AFTER_S + 1:
        say(f"waiting until {name} has lived {HEALTHY_AFTER_S:g} s")
        await asyncio.sleep(HEALTHY_AFTER_S + 1 - age_s)
