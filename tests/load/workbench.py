"""Single services as processes on a PostgreSQL and a Kafka of their own: what a figure of one process needs."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import httpx

from deploy.local.ports import free_ports
from deploy.local.processes import Child, Command, spawn
from deploy.local.stack import ServiceDatabase, Stack
from shared.events.catalog import SHARDS
from tests.clients import client
from tests.eventually import eventually
from tests.keys import token, write_jwks
from tests.load.figures import Say

ROOT = Path(__file__).parents[2]
WORKSPACES = 24
"""How many workspaces a load is spread over."""


@dataclass
class Process:
    """One process that serves HTTP."""

    name: str
    port: int
    command: Command
    log: Path
    ready_path: str
    child: Child | None = None

    async def start(self) -> None:
        """Starts it; returns when it says that it is ready."""
        with self.log.open("ab") as output:
            self.child = spawn(self.command, output=output)
        await eventually(self._is_ready, within_s=60, what=f"{self.name} ready, see {self.log}")

    async def stop(self) -> None:
        """Stops it in good order."""
        if self.child is not None:
            await asyncio.to_thread(self.child.stop, signal.SIGTERM, within_s=25)
            self.child = None

    def http(self, workspace_id: str) -> httpx.AsyncClient:
        """A client with an administrator's token of a workspace."""
        return client(f"http://127.0.0.1:{self.port}", bearer=token(workspace_id), timeout_s=30)

    async def _is_ready(self) -> bool:
        assert self.child is not None
        if self.child.ended.is_set():
            raise RuntimeError(f"{self.name} ended:\n{self.log.read_text()[-2000:]}")
        async with client() as http:
            try:
                answer = await http.get(f"http://127.0.0.1:{self.port}{self.ready_path}", timeout=5)
            except httpx.HTTPError:
                return False
        return answer.status_code == 200


@dataclass
class Workbench:
    """Both servers, and processes that use them."""

    stack: Stack
    folder: Path
    databases: dict[str, ServiceDatabase] = field(default_factory=dict)

    @property
    def bootstrap(self) -> str:
        return self.stack.kafka.bootstrap

    async def service(self, name: str, **more_env: str) -> Process:
        """A service of Waypost, not started yet, as its one process."""
        (port,) = free_ports(1)
        made = await asyncio.to_thread(self.stack.postgres.create_database, name)
        self.databases[name] = made
        env = {
            "WAYPOST_ENVIRONMENT": "development",
            "WAYPOST_DATABASE_URL": made.url,
            "WAYPOST_DATABASE_OWNER_URL": made.owner_url,
            "WAYPOST_KAFKA_BOOTSTRAP": self.bootstrap,
            "WAYPOST_HOLDER": f"{name}-1",
            "WAYPOST_HTTP_HOST": "127.0.0.1",
            "WAYPOST_HTTP_PORT": str(port),
            "WAYPOST_JWKS_FILE": str(write_jwks(self.folder / "jwks.json")),
            "WAYPOST_LOG_LEVEL": "warning",
            **more_env,
        }
        return self._process(name, port, [f"services.{name}"], "/health/ready", env)

    async def yardstick(self) -> Process:
        """The bare FastAPI application, not started yet."""
        (port,) = free_ports(1)
        return self._process("ping", port, ["tests.load.ping", str(port)], "/ping", {})

    async def connection(self, name: str) -> "asyncpg.Connection[asyncpg.Record]":
        """To a service's database, as the service."""
        return await asyncpg.connect(self.databases[name].url)

    async def drained(self, name: str, within_s: float = 60) -> None:
        """Waits until a service's relay has published everything."""

        async def is_empty() -> bool:
            return await self.pending(name) == 0

        await eventually(is_empty, within_s=within_s, what="outbox empty")

    async def pending(self, name: str) -> int:
        """How many events of a service still wait for its relay."""
        connection = await self.connection(name)
        try:
            # Row-level security shows the rows of the shards that are named.
            shards = ",".join(map(str, range(SHARDS)))
            await connection.execute("SELECT set_config('app.shards', $1, false)", shards)
            return int(await connection.fetchval("SELECT count(*) FROM outbox"))
        finally:
            await connection.close()

    def _process(
        self, name: str, port: int, module: Sequence[str], ready_path: str, env: Mapping[str, str]
    ) -> Process:
        own = {key: value for key, value in os.environ.items() if not key.startswith("WAYPOST_")}
        command = Command([sys.executable, "-m", *module], env={**own, **env}, cwd=ROOT)
        return Process(name, port, command, self.folder / f"{name}.log", ready_path)


@asynccontextmanager
async def workbench(say: Say) -> AsyncIterator[Workbench]:
    """Starts both servers in a folder that is gone afterwards."""
    with TemporaryDirectory(prefix="waypost-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        stack = Stack.start(folder / "stack", progress=say)
        running = await asyncio.to_thread(stack.__enter__)
        try:
            yield Workbench(running, folder)
        finally:
            await asyncio.to_thread(stack.__exit__, None, None, None)
