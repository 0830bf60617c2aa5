"""The four services as processes on a stack of their own, to be killed, frozen and doubled."""

import asyncio
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from deploy.local.ports import free_ports
from deploy.local.processes import Child, Command, spawn
from deploy.local.stack import ServiceDatabase, Stack
from shared.events.catalog import shard_of, topics_read_by
from tests.clients import client
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
    "sla_policies": [{"id": "everybody", "when": "true", "targets": [{"metric": "first_reply", "within": "1h"}]}]
}

LOOK_S = 0.2
"""How often to look at what takes seconds: whoever looks takes time away from what it waits for."""

bearer = cache(token)


def service_of(name: str) -> str:
    """Which service a process of this name is one of."""
    return name.split("-", maxsplit=1)[0]


@dataclass
class Fleet:
    """The services as processes, by names such as `router` and `router-2`."""

    stack: Stack
    folder: Path
    prefix: str
    databases: dict[str, ServiceDatabase] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    restarts: int = 0
    """How often the supervisor had to start something again."""
    accepted: set[tuple[str, str]] = field(default_factory=set)
    """(workspace, ticket) of every message that intake has accepted of a load."""
    _connections: "dict[str, asyncpg.Connection[asyncpg.Record]]" = field(default_factory=dict)
    _queries: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    """A connection takes one query at a time."""

    @classmethod
    @asynccontextmanager
    async def open(cls, stack: Stack, templates: Templates, folder: Path, prefix: str) -> "AsyncIterator[Fleet]":
        """Fresh databases and topics, everything started, ready and supervised."""
        fleet = cls(stack, folder, prefix)
        write_jwks(folder / "jwks.json")
        async with AsyncExitStack() as opened:
            opened.push_async_callback(fleet._disconnect)
            opened.push_async_callback(fleet.stop, *BUILDS)
            for name in BUILDS:
                template = await asyncio.to_thread(templates.__getitem__, name)
                fleet.databases[name] = await asyncio.to_thread(
                    stack.postgres.create_database, name, prefix=f"{prefix}_", template=template
                )
                fleet.start(name)
            await fleet.ready()
            await fleet.configure(*WORKSPACES)
            supervisor = asyncio.create_task(fleet._supervise())
            opened.callback(supervisor.cancel)
            yield fleet

    def start(self, name: str) -> None:
        """Starts a process: `router` is the first one of the router, `router-2` a second."""
        if name not in self.ports:
            self.ports[name] = free_ports(1)[0]
        service = service_of(name)
        with (self.folder / f"{name}.log").open("ab") as output:
            self.children[name] = spawn(
                Command([sys.executable, "-m", f"services.{service}"], env=self._environment(name), cwd=ROOT),
                output=output,
            )

    async def kill(self, name: str) -> None:
        """SIGKILL; the supervisor starts it again."""
        await asyncio.to_thread(self.children[name].stop, signal.SIGKILL, within_s=10)

    def freeze(self, name: str) -> None:
        """SIGSTOP: alive, and deaf."""
        self.children[name].signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self.children[name].signal(signal.SIGCONT)

    async def stop(self, *names: str) -> None:
        """Ends processes in good order, all at once."""
        leaving = [self.children.pop(name) for name in names if name in self.children]
        await asyncio.gather(*(asyncio.to_thread(child.stop, signal.SIGTERM, within_s=25) for child in leaving))

    async def ready(self) -> None:
        """Waits until every process says that it can do its work."""
        await eventually(self._is_ready, within_s=60, what="fleet ready", every_s=LOOK_S)

    def log(self, name: str) -> str:
        """What a process has logged."""
        return (self.folder / f"{name}.log").read_text()

    def http(self, name: str, workspace_id: str, *, timeout_s: float = 15) -> httpx.AsyncClient:
        """A client of one process, with a token of a workspace."""
        return client(f"http://127.0.0.1:{self.ports[name]}", bearer=bearer(workspace_id), timeout_s=timeout_s)

    async def configure(
        self, *workspaces: str, routing: dict[str, Any] = ROUTING, promises: dict[str, Any] = PROMISES
    ) -> None:
        """Agents and promises; by default agents who take everything at once, and an hour for each ticket."""
        for workspace_id in workspaces:
            async with self.http("router", workspace_id) as router, self.http("escalation", workspace_id) as sla:
                answer = await router.put("/v1/configuration", json=routing, headers={"If-Match": "*"})
                assert answer.status_code == 200, answer.text
                for name in AGENTS:
                    answer = await router.put(f"/v1/agents/{name}/state", json={"state": "available"})
                    assert answer.status_code == 200, answer.text
                answer = await sla.put("/v1/configuration", json=promises, headers={"If-Match": "*"})
                assert answer.status_code == 200, answer.text

    async def rows(self, service: str, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        """What a query finds in a service's database, past all fences."""
        async with self._queries[service]:
            connection = self._connections.get(service)
            if connection is None or connection.is_closed():
                server, _, _ = self.stack.postgres.admin_url.rpartition("/")
                connection = await asyncpg.connect(f"{server}/{self.databases[service].name}")
                self._connections[service] = connection
            return [tuple(row) for row in await connection.fetch(query, *arguments)]

    async def shares(self, service: str) -> dict[str, int]:
        """How many shards each process of a service holds."""
        return dict(
            await self.rows(
                service,
                "SELECT holder, count(*) FROM shard_lease WHERE expires_at > clock_timestamp() GROUP BY 1",
            )
        )

    async def holder(self, service: str, workspace_id: str) -> str | None:
        """Which process of a service holds a workspace's shard."""
        rows = await self.rows(
            service,
            "SELECT holder FROM shard_lease WHERE n = $1 AND expires_at > clock_timestamp()",
            shard_of(workspace_id),
        )
        return rows[0][0] if rows else None

    async def unread(self, ends: dict[tuple[str, int], int]) -> list[tuple[str, str, int]]:
        """(service, topic, partition) where a service has not applied everything up to these ends."""
        found = []
        for service in BUILDS:
            read = {topic.name for topic in topics_read_by(service)}
            rows = await self.rows(service, "SELECT topic, partition, next_offset FROM position")
            positions = {(topic, partition): offset for topic, partition, offset in rows}
            found += [
                (service, *place)
                for place, end in ends.items()
                if place[0] in read and positions.get(place, 0) != end
            ]
        return found

    async def unpublished(self) -> int:
        """Rows in the outboxes, of topics that somebody has to read."""
        counts = [
            (await self.rows(service, "SELECT count(*) FROM outbox WHERE topic <> 'kpis'"))[0][0]
            for service in BUILDS
        ]
        return sum(counts)

    async def _disconnect(self) -> None:
        for connection in self._connections.values():
            await connection.close()

    async def _supervise(self) -> None:
        while True:
            for name, child in list(self.children.items()):
                if child.ended.is_set():
                    self.restarts += 1
                    self.start(name)
            await asyncio.sleep(0.2)

    async def _is_ready(self) -> bool:
        async with client(timeout_s=5) as http:
            for name in list(self.children):
                try:
                    answer = await http.get(f"http://127.0.0.1:{self.ports[name]}/health/ready")
                except httpx.HTTPError:
                    return False
                if answer.status_code != 200:
                    return False
        return all([await self._is_held(service) for service in BUILDS])

    async def _is_held(self, service: str) -> bool:
        """Whether its processes that run hold every shard: one that was killed has its leases for a while."""
        held = await self.shares(service)
        return sum(held.get(name, 0) for name in self.children if service_of(name) == service) == 12

    def _environment(self, name: str) -> dict[str, str]:
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("WAYPOST_")},
            "WAYPOST_ENVIRONMENT": "development",
            "WAYPOST_DATABASE_URL": self.databases[service_of(name)].url,
            "WAYPOST_KAFKA_BOOTSTRAP": self.stack.kafka.bootstrap,
            "WAYPOST_TOPIC_PREFIX": self.prefix,
            "WAYPOST_HOLDER": name,
            "WAYPOST_HTTP_HOST": "127.0.0.1",
            "WAYPOST_HTTP_PORT": str(self.ports[name]),
            "WAYPOST_JWKS_FILE": str(self.folder / "jwks.json"),
            "WAYPOST_LOG_FORMAT": "json",
        }
