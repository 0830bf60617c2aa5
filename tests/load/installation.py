"""A whole Waypost as `make run` starts it, in a folder of its own: servers and services under the supervisor."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types

from deploy.cli.keys import signing_key
from deploy.cli.place import Place
from deploy.cli.tokens import mint
from deploy.local.processes import Child, Command, spawn
from tests.clients import client
from tests.eventually import eventually
from tests.load.figures import Say

ROOT = Path(__file__).parents[2]
READY = "Waypost is ready."
WORKSPACE = "bench"
AGENT = "ann"
ROUTING: dict[str, Any] = {
    "queues": [{"id": "default", "offer_timeout": "1d"}],
    "agents": [{"id": AGENT, "capacity": 10_000, "limits": {"api": {"cost": 1, "most": 1000}}}],
}
PROMISES: dict[str, Any] = {
    "sla_policies": [{"id": "everybody", "when": "true", "targets": [{"metric": "first_reply", "within": "1h"}]}]
}


@dataclass
class Installation:
    """One that runs. Its supervisor starts a killed service again."""

    data: Path
    supervisor: Child

    @property
    def place(self) -> Place:
        return Place(self.data, {})

    def http(self, service: str, workspace_id: str = WORKSPACE) -> httpx.AsyncClient:
        """A client with an administrator's token."""
        key = signing_key(self.place.keys)
        bearer = mint(key, workspace_id=workspace_id, subject="bench", scopes=("admin",))
        return client(self.place.url(service), bearer=bearer, timeout_s=10)

    def process(self, service: str) -> psutil.Process:
        """The process that is this service now."""
        for process in psutil.Process(self.supervisor.pid).children(recursive=True):
            if process.cmdline()[-1:] == [f"services.{service}"]:
                return process
        raise LookupError(f"{service} does not run")

    async def configure(self) -> None:
        """One agent who is available and can take everything, and a promise on each ticket."""
        async with self.http("router") as router, self.http("escalation") as escalation:
            (await router.put("/v1/configuration", json=ROUTING, headers={"If-Match": "*"})).raise_for_status()
            (await router.put(f"/v1/agents/{AGENT}/state", json={"state": "available"})).raise_for_status()
            (
                await escalation.put("/v1/configuration", json=PROMISES, headers={"If-Match": "*"})
            ).raise_for_status()

    async def stop(self) -> None:
        """Stops everything in order."""
        await asyncio.to_thread(self.supervisor.stop, signal.SIGTERM, within_s=60)


async def begin(data: Path) -> Installation:
    """Starts one in this data folder; returns once its supervisor says that it is ready."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("WAYPOST_")}
    if cache := os.environ.get("WAYPOST_CACHE"):
        env["WAYPOST_CACHE"] = cache
    log = data.with_suffix(".log")
    argv = [sys.executable, "-m", "deploy.local", "up", "--data", str(data), "--ports", "free"]
    with log.open("wb") as output:
        started = Installation(data, spawn(Command(argv, env=env, cwd=ROOT), output=output))

    def is_ready() -> bool:
        if started.supervisor.ended.is_set():
            raise RuntimeError(log.read_text()[-3000:])
        return READY in log.read_text()

    try:
        await eventually(is_ready, within_s=120, what=f"ready, see {log}")
    except BaseException:
        await started.stop()
        raise
    return started


@asynccontextmanager
async def fresh_folder() -> AsyncIterator[Path]:
    """The name of a data folder that does not exist yet; what is in it is gone afterwards."""
    with TemporaryDirectory(prefix="waypost-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder / "data"


@asynccontextmanager
async def installation(say: Say) -> AsyncIterator[Installation]:
    """One with the workspace of the measurements, stopped and forgotten at the end."""
    async with fresh_folder() as data:
        started = await begin(data)
        try:
            await started.configure()
            say("everything runs")
            yield started
        finally:
            await started.stop()


def message(number: int) -> dict[str, Any]:
    """A message that opens a ticket."""
    return {
        "channel": "api",
        "external_id": f"m-{number}",
        "from": {"email": f"c{number}@example.org"},
        "subject": "Printer on fire",
        "text": "It burns and it does not stop, please help me with this printer of yours.",
    }
