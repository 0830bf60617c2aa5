"""How long it takes to decide a recorded run again, and to say what would have been with two agents fewer."""

import asyncio
import json
import os
import sys
from typing import Any

from alembic.command import upgrade

from shared.clock import monotonic
from shared.db import migrate
from shared.db.engine import open_engine
from shared.db.unit_of_work import Database
from shared.wakeups import RelaySignal
from tests.load.figures import Effort, Figure, Say, Section
from tests.load.workbench import ROOT, workbench
from tests.unit.router.memory import ACME, Hall
from tests.unit.router.office import Office

AGENTS = 40


async def measure(effort: Effort, say: Say) -> Section:
    """A run is recorded once; each round replays it and tries it out."""
    tickets = effort.of(20_000, 500)
    replays: list[float] = []
    trials: list[float] = []
    async with workbench(say) as bench:
        made = await asyncio.to_thread(bench.stack.postgres.create_database, "router")
        await asyncio.to_thread(upgrade, migrate.config("router", made.owner_url), "head")
        began = monotonic()
        await _record(made.url, tickets, say)
        say(f"{tickets} tickets recorded in {monotonic() - began:.0f} s")
        found: dict[str, Any] = {}
        for _ in range(effort.rounds):
            seconds, found = await _waypost(made.url)
            assert found["tickets"] == tickets, found
            assert found["differing"] == 0, found["first"]
            replays.append(seconds)
            seconds, tried = await _waypost(made.url, "--without-agents", "a000,a001")
            assert tried["what_if"]["waits"]["items"] >= tickets
            trials.append(seconds)
            say(f"replayed in {replays[-1]:.1f} s, tried out in {trials[-1]:.1f} s")
    return Section(
        "Deciding again what was decided",
        [
            f"A run of {tickets:,} tickets ({found['inputs']:,} inputs, {found['decisions']:,} decisions about "
            f"work) of an office with {AGENTS} agents and three queues, recorded by the router's engine in "
            "PostgreSQL: offers accepted and declined, steps, wrap-ups, absences, tickets opened again.",
            "`waypost replay` as a process, from its start to its end: every decision is decided again and "
            "compared with its record; all are alike. Then `waypost replay --without-agents a000,a001`.",
        ],
        [
            Figure("replayed and compared", "s", replays),
            Figure("tried out with two agents fewer", "s", trials),
        ],
    )


async def _record(url: str, tickets: int, say: Say) -> None:
    engine = open_engine(url, name="bench", pool_size=2)
    try:
        hall = Hall(Database(engine, shards=1, relaying=RelaySignal()))
        office = Office(hall, agents=AGENTS, every_s=6, handling_s=180)
        await office.open()
        say(f"recording {tickets} tickets")
        await office.work(tickets)
    finally:
        await engine.dispose()


async def _waypost(url: str, *words: str) -> tuple[float, dict[str, Any]]:
    """Seconds that a replay takes, and what it finds."""
    env = {**os.environ, "WAYPOST_DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    began = monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli.main", "replay", "--workspace", ACME, "--json", "-", *words),
        env=env,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()[-2000:]
    return monotonic() - began, json.loads(out)
