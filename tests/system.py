"""Waypost's services in this process, composed by their own `build` on the real stack, on real ports."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
from alembic.command import upgrade
from sqlalchemy import text

from deploy.local.stack import ServiceDatabase, Stack
from shared.db import clock as database_clock
from shared.db import migrate
from shared.db.unit_of_work import Tx
from shared.process import run
from shared.service import Leaves, Service
from shared.settings import Settings
from tests.clients import client
from tests.eventually import eventually
from tests.keys import token, write_jwks
from tests.shards import SHARDS

BUILDS = ("intake", "router", "escalation", "metrics")
"""The services. Each is imported when a test starts it."""


class Templates:
    """A migrated database of each service, made when it is needed first, to clone."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._made: set[str] = set()

    def __getitem__(self, name: str) -> str:
        """The name of the service's template. Call it off the event loop."""
        if name not in self._made:
            # Other processes may want the same one, of the same servers; while it is made nobody can clone it.
            with (self._stack.postgres.folder.path / f"template_{name}").open("a+") as mark:
                fcntl.flock(mark, fcntl.LOCK_EX)
                mark.seek(0)
                if not mark.read():
                    made = self._stack.postgres.create_database(name, prefix="template_")
                    upgrade(migrate.config(name, made.owner_url), "head")
                    mark.write("made")
            self._made.add(name)
        return f"template_{name}"


def _composition(name: str) -> tuple[Callable[..., Any], type[Settings]]:
    """A service's `build` and the class of its settings."""
    settings = import_module(f"services.{name}.settings")
    return import_module(f"services.{name}.service").build, getattr(settings, f"{name.title()}Settings")


@dataclass
class System:
    """Running services. `http(service, workspace)` talks to one as a tool of that workspace would."""

    services: dict[str, Service]
    shift: list[timedelta]
    databases: dict[str, ServiceDatabase]
    _clients: AsyncExitStack
    _by_token: dict[tuple[str, str], httpx.AsyncClient] = field(default_factory=dict)

    def url(self, service: str) -> str:
        return self.services[service].runtime.own_url

    async def http(
        self, service: str, workspace_id: str, *scopes: str, subject: str = "tests"
    ) -> httpx.AsyncClient:
        """A client with a token of this workspace."""
        bearer = token(workspace_id, *scopes, subject=subject)
        return await self._clients.enter_async_context(client(self.url(service), bearer=bearer))

    async def published(self, service: str) -> None:
        """Waits until all that a service has to publish by now is published."""
        database = self.services[service].runtime.database

        async def last(tx: Tx) -> int:
            return int((await tx.execute(text("SELECT coalesce(max(id), 0) FROM outbox"))).scalar_one())

        until = await database.transact(last, claims=range(SHARDS))

        async def waits(tx: Tx) -> bool:
            found = await tx.execute(text("SELECT 1 FROM outbox WHERE id <= :until LIMIT 1"), {"until": until})
            return found.first() is not None

        async def is_gone() -> bool:
            return not await database.transact(waits, claims=range(SHARDS))

        await eventually(is_gone, what=f"what {service} has to publish is published")

    async def travel(self, by: timedelta) -> None:
        """Moves every service's clock forward. Only for systems that no other test uses."""
        self.shift[0] += by
        for service in self.services.values():
            await database_clock.observe(service.runtime.database, service.runtime.clock)
        if escalation := self.services.get("escalation"):
            # Its loops would see only at the end of a nap that the time has changed.
            hear = escalation.listens["escalation_shards"]
            for shard in escalation.runtime.leases.held():
                hear(str(shard.n))


@asynccontextmanager
async def start(
    stack: Stack,
    names: tuple[str, ...],
    *,
    prefix: str,
    templates: Templates,
    folder: Path,
    process: int = 1,
    databases: Mapping[str, ServiceDatabase] | None = None,
    ahead: timedelta = timedelta(),
    **settings: object,
) -> AsyncIterator[System]:
    """Starts these services on databases and topics of their own.

    databases: those of a system that runs or ran with this prefix, to join it or to go on with its data;
    ahead: by how much its clock starts before the real one, as if so much time had passed;
    process: its number among the processes of its services: the same again is a restart
    """
    jwks = write_jwks(folder / f"{prefix}.jwks.json")
    shift = [ahead]
    own: dict[str, ServiceDatabase] = dict(databases or {})
    services: dict[str, Service] = {}
    async with AsyncExitStack() as opened:
        tasks = []
        for name in names:
            if name not in own:
                own[name] = await asyncio.to_thread(clone, stack, templates, name, prefix)
            build, kind = _composition(name)
            config = kind.model_validate(
                {
                    "environment": "development",
                    "database_url": own[name].url,
                    "kafka_bootstrap": stack.kafka.bootstrap,
                    "topic_prefix": prefix,
                    "holder": f"{name}-{process}",
                    "http_host": "127.0.0.1",
                    "http_port": 0,
                    "shards": SHARDS,
                    "jwks_file": jwks,
                    "blob_folder": folder / f"{prefix}-blobs",
                    **{key: value for key, value in settings.items() if key in kind.model_fields},
                }
            )
            service = await opened.enter_async_context(build(config, Leaves(clock_shift=lambda: shift[0])))
            services[name] = service
            tasks.append(asyncio.create_task(run(service), name=name))
        clients = await opened.enter_async_context(AsyncExitStack())
        system = System(services, shift, own, clients)
        try:
            await eventually(lambda: _all_ready(system), within_s=30, what="services ready")
            yield system
        finally:
            for service in services.values():
                service.runtime.stopping.set()
            _, late = await asyncio.wait(tasks, timeout=20)
            held_up = _stacks() if late else ""
            for task in tasks:
                task.cancel()
            assert not late, f"did not stop: {[task.get_name() for task in late]}{held_up}"
    for task in tasks:
        if not task.cancelled():
            task.result()


def _stacks() -> str:
    """Where every task stands."""
    text = StringIO()
    for task in asyncio.all_tasks():
        task.print_stack(limit=8, file=text)
    return f"\n{text.getvalue()}"


def clone(stack: Stack, templates: Templates, name: str, prefix: str) -> ServiceDatabase:
    return stack.postgres.create_database(name, prefix=f"{prefix}_", template=templates[name])


async def _all_ready(system: System) -> bool:
    """Every service is ready, and holds its share of the shards."""
    async with client() as http:
        for service in system.services.values():
            if not service.runtime.leases.held():
                return False
            if (await http.get(f"{service.runtime.own_url}/health/ready")).status_code != 200:
                return False
    return True
