"""One decision of the pure engine in the largest workspace, the memory of it, and the way back from rows."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

from deploy.local.stack import ServiceDatabase
from services.router.app.sparse_solver import SparseSolver
from services.router.domain.pairing import SCALE, Group, Row, one_by_one, together
from shared.db import schema
from tests.load import broad_desk
from tests.load.figures import Effort, Figure, Say, Section, percentile
from tests.load.workbench import ROOT, workbench

MEETING = 1000
"""Items, and agents, that come free together."""

BROAD = ((100, "priority"), (400, "priority"), (400, "ageing"))
"""Classes in which something waits for each of a desk's agents, and how their queues are ordered."""


async def measure(effort: Effort, say: Say) -> Section:
    """A fresh process for each round; the first also stores its state and reads it back."""
    agents, items = effort.of(15_000, 1_500), effort.of(500_000, 50_000)
    decisions = effort.of(5_000, 500)
    rounds: list[dict[str, Any]] = []
    async with workbench(say) as bench:
        database = await asyncio.to_thread(bench.stack.postgres.create_database, "router")
        await schema.ensure_newest("router", database.url, database.owner_url)
        for number in range(effort.rounds):
            rounds.append(await _round(agents, items, decisions, database if number == 0 else None))
            say(f"round {number + 1} of {effort.rounds}: {1e6 * median(rounds[-1]['given']):.0f} µs")
    broad = {desk: [await _broad(*desk, decisions) for _ in range(effort.rounds)] for desk in BROAD}
    met = [await asyncio.to_thread(_meet, number) for number in range(effort.rounds)]
    return Section(
        "One decision in the largest workspace",
        [
            f"{agents:,} agents, each in two of 50 queues with three of 20 skills, all of them busy; {items:,} "
            "items wait by priority and age in 50 classes of requirements. The engine alone, in a process of its "
            "own: no database, no broker, no HTTP.",
            f"Up to {decisions:,} times: a ticket is solved, its agent is free, and is given the first item in "
            "order that they may have; then a ticket comes in, the policy of 50 rules places it, and it waits. "
            "Each is timed by itself, from the input to the last decision done; the garbage collector is set as "
            "in a service.",
            "Memory is what the process grew by; the way back from rows begins with the first query and ends when "
            "every index is made.",
            f"Broad agents: {broad_desk.AGENTS} of them with {len(broad_desk.SKILLS)} skills, in "
            f"{len(broad_desk.QUEUES)} queues; a rule of the policy for each class, and some "
            f"{broad_desk.PER_CLASS} items waiting in every class. Where queues go by ageing, which item is first "
            "changes with time.",
            f"{MEETING:,} items meet {MEETING:,} agents, each of whom may have a fifth of the items, on random "
            "instances: all at once, at least cost, beside one by one.",
        ],
        [
            Figure("an agent is free and gets the next item, p50", "µs", _percentiles(rounds, "given", 0.5)),
            Figure("an agent is free and gets the next item, p99", "µs", _percentiles(rounds, "given", 0.99)),
            Figure("a ticket comes in and waits, p50", "µs", _percentiles(rounds, "queued", 0.5)),
            Figure("a ticket comes in and waits, p99", "µs", _percentiles(rounds, "queued", 0.99)),
            *(
                Figure(
                    f"an agent in {classes} classes gets the next item, by {order}, p50",
                    "µs",
                    [1e6 * percentile(took, 0.5) for took in broad[classes, order]],
                )
                for classes, order in BROAD
            ),
            Figure("memory", "MB", [found["bytes"] / 1e6 for found in rounds]),
            Figure(
                "inputs decided while it filled", "/s", [found["inputs"] / found["built_s"] for found in rounds]
            ),
            Figure(
                "state made anew from rows", "s", [found["loaded_s"] for found in rounds if "loaded_s" in found]
            ),
            Figure("all at once", "ms", [1000 * took for took, _, _ in met]),
            Figure("items stranded one by one", "", [alone for _, _, alone in met]),
            Figure("items stranded all at once", "", [stranded for _, stranded, _ in met]),
        ],
    )


async def _round(agents: int, items: int, decisions: int, database: ServiceDatabase | None) -> dict[str, Any]:
    words = [str(agents), str(items), str(decisions), *([database.url] if database else [])]
    found: dict[str, Any] = await _in_a_process("tests.load.large_desk", words)
    return found


async def _broad(classes: int, order: str, decisions: int) -> list[float]:
    took: list[float] = await _in_a_process("tests.load.broad_desk", [str(classes), order, str(decisions)])
    return took


async def _in_a_process(module: str, words: Sequence[str]) -> Any:
    """The JSON that a module prints, run in a process of its own."""
    argv = [sys.executable, "-m", module, *words]
    child = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, said = await child.communicate()
    assert child.returncode == 0, said.decode()[-2000:]
    return json.loads(output)


def _percentiles(rounds: list[dict[str, Any]], name: str, share: float) -> list[float]:
    return [1e6 * percentile(found[name], share) for found in rounds]


def _meet(seed: int) -> tuple[float, int, int]:
    """Seconds that one random instance takes, and how many items are stranded: together, one by one."""
    random = Random(seed)
    groups = []
    for _ in range(MEETING):
        agents = [number for number in range(MEETING) if random.random() < 0.2]
        groups.append(Group(agents, [random.randrange(1, SCALE) for _ in agents]))
    rows = [Row(number) for number in range(MEETING)]
    solver = SparseSolver()
    solver.solve(groups[:1], [Row(0)])
    began = perf_counter()
    found = together(groups, rows, solver)
    took = perf_counter() - began
    return took, MEETING - found.served, MEETING - one_by_one(groups, rows).served
