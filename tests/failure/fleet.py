"""The four services as processes on a stack of their own, to be killed; and the load that goes on meanwhile."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from deploy.local.ports import free_ports
from deploy.local.processes import Child, Command, spawn
from deploy.local.stack import ServiceDatabase, Stack
from tests.eventually import eventually
from tests.keys import token, write_jwks
from tests.system import BUILDS, Templates

ROOT = Path(__file__).parents[2]
WORKSPACES = tuple(f"acme-{number}" for number in range(24))
AGENTS = ("ann", "bob", "eve")
ROUTING: dict[str, Any] = {
    "queues": [{"id": "default", "offer_mode": "auto"}],
    "agents": [{"id": name, "capacity": 10_000, "limits": {"api": {"cost": 1, "most": 1000}}} for name in AGENTS],
}
PROMISES: dict[str, Any] = {
    "sla_policies": [
        {"id": "everybody", "when": "true", "targets": [{"metric": "first_reply", "within": "1h"}]}
    ]
}


@dataclass
class Fleet:
    """The services as processes. `kill` and `start` are what a crash and a supervisor do."""

    stack: Stack
    folder: Path
    prefix: str
    databases: dict[str, ServiceDatabase] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)

    @classmethod
    async def open(cls, stack: Stack, templates: Templates, folder: Path, prefix: str) -> "Fleet":
        """Fresh databases and topics, everything started and ready."""
        fleet = cls(stack, folder, prefix)
        fleet.ports = dict(zip(BUILDS, free_ports(len(BUILDS)), strict=True))
        write_jwks(folder / "jwks.json")
        for name in BUILDS:
            template = await asyncio.to_thread(templates.__getitem__, name)
            fleet.databases[name] = await asyncio.to_thread(
                stack.postgres.create_database, name, prefix=f"{prefix}_", template=template
            )
            fleet.start(name)
        await eventually(fleet.is_ready, within_s=60, what="fleet ready")
        return fleet

    def start(self, name: str) -> None:
        """Starts a service's process."""
        with (self.folder / f"{name}.log").open("ab") as output:
            self.children[name] = spawn(
                Command([sys.executable, "-m", f"services.{name}"], env=self._environment(name), cwd=ROOT),
                output=output,
            )

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self.children[name].stop(signal.SIGKILL, within_s=10)

    def freeze(self, name: str) -> None:
        """SIGSTOP: alive, and deaf."""
        self.children[name].signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self.children[name].signal(signal.SIGCONT)

    async def supervise(self) -> None:
        """Starts again whatever ends by itself, as a supervisor does."""
        while True:
            for name, child in list(self.children.items()):
                if child.ended.is_set():
                    self.start(name)
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        """Stops everything in good order."""
        for child in self.children.values():
            child.signal(signal.SIGTERM)
        for child in self.children.values():
            await asyncio.to_thread(child.stop, signal.SIGTERM, within_s=25)

    async def is_ready(self) -> bool:
        """Whether every service says that it can do its work."""
        async with httpx.AsyncClient(timeout=5) as http:
            for name in BUILDS:
                try:
                    answer = await http.get(f"{self.url(name)}/health/ready")
                except httpx.HTTPError:
                    return False
                if answer.status_code != 200:
                    return False
        return True

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def http(self, name: str, workspace_id: str) -> httpx.AsyncClient:
        """A client of one service, with a token of a workspace."""
        return httpx.AsyncClient(
            base_url=self.url(name), headers={"Authorization": f"Bearer {token(workspace_id)}"}, timeout=15
        )

    async def configure(self) -> None:
        """Agents who take everything at once, and a promise on each ticket, in every workspace."""
        for workspace_id in WORKSPACES:
            async with self.http("router", workspace_id) as router, self.http("escalation", workspace_id) as sla:
                answer = await router.put("/v1/configuration", json=ROUTING, headers={"If-Match": "*"})
                assert answer.status_code == 200, answer.text
                for name in AGENTS:
                    answer = await router.put(f"/v1/agents/{name}/state", json={"state": "available"})
                    assert answer.status_code == 200, answer.text
                answer = await sla.put("/v1/configuration", json=PROMISES, headers={"If-Match": "*"})
                assert answer.status_code == 200, answer.text

    def _environment(self, name: str) -> dict[str, str]:
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("WAYPOST_")},
            "WAYPOST_ENVIRONMENT": "development",
            "WAYPOST_DATABASE_URL": self.databases[name].url,
            "WAYPOST_KAFKA_BOOTSTRAP": self.stack.kafka.bootstrap,
            "WAYPOST_TOPIC_PREFIX": self.prefix,
            "WAYPOST_HOLDER": f"{name}-1",
            "WAYPOST_HTTP_HOST": "127.0.0.1",
            "WAYPOST_HTTP_PORT": str(self.ports[name]),
            "WAYPOST_JWKS_FILE": str(self.folder / "jwks.json"),
            "WAYPOST_LOG_FORMAT": "json",
        }


@dataclass
class Load:
    """Messages over all workspaces, each sent until somebody has it."""

    fleet: Fleet
    count: int = 2000
    sent: dict[tuple[str, str], str] = field(default_factory=dict)
    """(workspace, external id) -> ticket, as intake answered."""
    retried: int = 0
    progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self, concurrency: int = 16) -> None:
        """Sends everything. An unknown outcome is tried again with the same external id."""
        numbers = iter(range(self.count))
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(self._send(numbers))

    async def reached(self, share: float) -> None:
        """Waits until so much of it has been taken."""
        async with self.progress:
            await self.progress.wait_for(lambda: len(self.sent) >= share * self.count)

    async def _send(self, numbers: Iterator[int]) -> None:
        clients: dict[str, httpx.AsyncClient] = {}
        try:
            for number in numbers:
                workspace_id = WORKSPACES[number % len(WORKSPACES)]
                http = clients.setdefault(workspace_id, self.fleet.http("intake", workspace_id))
                await self._deliver(http, workspace_id, f"m-{number}")
        finally:
            for http in clients.values():
                await http.aclose()

    async def _deliver(self, http: httpx.AsyncClient, workspace_id: str, external_id: str) -> None:
        body = {
            "channel": "api",
            "external_id": external_id,
            "from": {"email": f"{external_id}@example.org"},
            "subject": "Load",
            "text": "One of many.",
        }
        while True:
            answer: httpx.Response | None = None
            with suppress(httpx.HTTPError):
                answer = await http.post("/v1/messages", json=body)
            if answer is not None and answer.status_code in (200, 201):
                break
            assert answer is None or answer.status_code in (500, 502, 503, 504, 409), answer.text
            assert answer is None or answer.status_code != 500, answer.text
            self.retried += 1
            await asyncio.sleep(0.1)
        async with self.progress:
            self.sent[workspace_id, external_id] = answer.json()["ticket_id"]
            self.progress.notify_all()


Fault = Callable[[Fleet, Load], Awaitable[None]]


async def under_fault(fleet: Fleet, fault: Fault, count: int = 2000) -> Load:
    """Runs the whole load while the fault happens; ended processes are started again."""
    load = Load(fleet, count)
    supervisor = asyncio.create_task(fleet.supervise())
    try:
        await asyncio.gather(load.run(), fault(fleet, load))
    finally:
        supervisor.cancel()
    return load


def duplicates(values: Sequence[object]) -> Mapping[object, int]:
    """What stands more than once."""
    return {value: count for value, count in Counter(values).items() if count > 1}
