"""How long it takes to tell what a policy would do to 100,000 open clocks, and to do it."""

import asyncio
import random
from datetime import timedelta
from typing import Any

from shared.clock import monotonic
from tests.eventually import eventually
from tests.load.figures import Effort, Figure, Say, Section, percentile
from tests.load.promises import backdate, configure, counted, folded, now, opened, producing, tell
from tests.load.workbench import Process, Workbench, workbench

WORKSPACE = "previewed"
CLOCKS_A_TICKET = 4
OFFICE = {
    "id": "office",
    "time_zone": "Europe/Berlin",
    "weekly": {day: ["09:00-12:00", "13:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": {"country": "DE", "subdivision": "BE"},
}
_SPREAD = timedelta(days=20)


def part(hours: int, on_change: str = "carry") -> dict[str, Any]:
    """Targets of four metrics, of which one differs by tier and one by priority."""
    targets = [
        {"metric": "first_reply", "within": f"{hours}h"},
        {"metric": "first_reply", "within": f"{hours // 2}h", "customer_tier": ["gold", "vip"]},
        {"metric": "requester_wait", "within": f"{2 * hours}h", "priority": ["urgent", "high"]},
        {"metric": "requester_wait", "within": f"{3 * hours}h", "priority": ["normal", "low"]},
        {"metric": "agent_work", "within": f"{3 * hours}h"},
        {"metric": "total_resolution", "within": f"{4 * hours}h", "warn_at_percent": [50, 75]},
    ]
    policies = [
        {"id": "keys", "when": "ticket.labels.topic == 'keys' && customer.organisation != 'client-7'"},
        {"id": "standard"},
    ]
    return {
        "calendars": [OFFICE],
        "sla_policies": [
            {**policy, "calendar": "office", "targets": targets, "on_change": on_change} for policy in policies
        ],
    }


async def measure(effort: Effort, say: Say) -> Section:
    """Opens tickets over twenty days, then previews and saves one edit after the other."""
    tickets = effort.of(25_000, 5_000)
    chance = random.Random(6)
    async with workbench(say) as bench:
        escalation = await bench.service("escalation")
        await escalation.start()
        try:
            # Long enough that nothing is due.
            await configure(escalation, WORKSPACE, part(900))
            await backdate(bench, WORKSPACE, 2 * _SPREAD)
            # It may have read since when that holds.
            await escalation.stop()
            await escalation.start()
            begin = now()
            async with producing(bench) as producer:
                ages = sorted(chance.uniform(0, 1) for _ in range(tickets))
                await tell(
                    producer,
                    (opened(WORKSPACE, number, begin - age * _SPREAD) for number, age in enumerate(ages, 1)),
                )
            await folded(bench, [WORKSPACE], tickets)
            clocks = await counted(bench, [WORKSPACE], "SELECT count(*) FROM sla_clock WHERE ended_at IS NULL")
            say(f"{clocks} clocks run")
            assert clocks == CLOCKS_A_TICKET * tickets
            return await _section(bench, escalation, effort, say, clocks)
        finally:
            await escalation.stop()


async def _section(bench: Workbench, escalation: Process, effort: Effort, say: Say, clocks: int) -> Section:
    previews: list[float] = []
    saves: list[float] = []
    pings: list[float] = []
    for turn in range(effort.rounds):
        edit = part(800 - 10 * turn)
        took, told = await _preview(escalation, edit)
        assert (told["clocks"], told["changed"]) == (clocks, clocks), told["effects"]
        previews.append(took)
        began = monotonic()
        await configure(escalation, WORKSPACE, edit)
        waits = asyncio.create_task(_pings(escalation))
        version = int(told["version"]) + 1
        behind = f"SELECT count(*) FROM tracked_ticket WHERE policy_version < {version}"

        async def is_carried(behind: str = behind) -> bool:
            return await counted(bench, [WORKSPACE], behind) == 0

        await eventually(is_carried, within_s=600, what="every ticket carried over")
        saves.append(monotonic() - began)
        waits.cancel()
        pings.extend(await waits)
        say(f"round {turn + 1} of {effort.rounds}: previewed in {took:.1f} s, carried in {saves[-1]:.1f} s")
    return Section(
        "A policy edit over open clocks",
        [
            f"{clocks:,} running clocks of {clocks // CLOCKS_A_TICKET:,} tickets, opened over {_SPREAD.days} "
            "days, in one workspace with office hours and public holidays; one escalation process. Each edit "
            "gives every clock another target. The preview looks at every clock; after saving, all tickets come "
            "over to the new version, with an event each clock.",
            "While they come over, a request for the list of escalations is made every 50 ms: how long it waits "
            "is how long the process keeps others waiting, timers among them.",
        ],
        [
            Figure("preview", "s", previews),
            Figure("saved and carried over", "s", saves),
            Figure("a request meanwhile, p50", "ms", [1000 * percentile(pings, 0.5)]),
            Figure("a request meanwhile, p99", "ms", [1000 * percentile(pings, 0.99)]),
        ],
    )


async def _preview(escalation: Process, edit: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    async with escalation.http(WORKSPACE) as http:
        began = monotonic()
        answer = await http.post("/v1/policies/sla/preview", json={"configuration": edit}, timeout=120)
        took = monotonic() - began
        answer.raise_for_status()
        return took, dict(answer.json())


async def _pings(escalation: Process) -> list[float]:
    """How long requests take, in seconds, until this is cancelled."""
    waits: list[float] = []
    try:
        async with escalation.http("somebody-else") as http:
            while True:
                began = monotonic()
                (await http.get("/v1/escalations")).raise_for_status()
                waits.append(monotonic() - began)
                await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return waits
