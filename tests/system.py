"""Waypost's services in this process, composed by their own `build` on the real stack, on real ports."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from deploy.local.stack import ServiceDatabase, Stack
from services.intake.service import build as build_intake
from services.intake.settings import IntakeSettings
from shared.db import clock as database_clock
from shared.process import run
from shared.service import Leaves, Service
from tests.eventually import eventually
from tests.keys import token, write_jwks

BUILDS: dict[str, tuple[Callable[..., Any], type[Any]]] = {
    "intake": (build_intake, IntakeSettings),
}


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
        return await self._clients.enter_async_context(
            httpx.AsyncClient(
                base_url=self.url(service),
                headers={"Authorization": f"Bearer {bearer}"},
                timeout=20,
            )
        )

    async def travel(self, by: timedelta) -> None:
        """Moves every service's clock forward. Only for systems that no other test uses."""
        self.shift[0] += by
        for service in self.services.values():
            await database_clock.observe(service.runtime.database, service.runtime.clock)


@asynccontextmanager
async def start(
    stack: Stack,
    names: tuple[str, ...],
    *,
    prefix: str,
    templates: dict[str, str],
    folder: Path,
    **settings: object,
) -> AsyncIterator[System]:
    """Starts these services on databases and topics of their own."""
    jwks = write_jwks(folder / f"{prefix}.jwks.json")
    shift = [timedelta()]
    databases: dict[str, ServiceDatabase] = {}
    services: dict[str, Service] = {}
    async with AsyncExitStack() as opened:
        tasks = []
        for name in names:
            database = await asyncio.to_thread(
                stack.postgres.create_database, name, prefix=f"{prefix}_", template=templates[name]
            )
            build, kind = BUILDS[name]
            config = kind(
                environment="development",
                database_url=database.url,
                kafka_bootstrap=stack.kafka.bootstrap,
                topic_prefix=prefix,
                holder=f"{name}-1",
                http_host="127.0.0.1",
                http_port=0,
                jwks_file=jwks,
                **{key: value for key, value in settings.items() if key in kind.model_fields},
            )
            service = await opened.enter_async_context(build(config, Leaves(clock_shift=lambda: shift[0])))
            services[name] = service
            databases[name] = database
            tasks.append(asyncio.create_task(run(service), name=name))
        clients = await opened.enter_async_context(AsyncExitStack())
        system = System(services, shift, databases, clients)
        try:
            await eventually(lambda: _all_ready(system), within_s=30, what="services ready")
            yield system
        finally:
            for service in services.values():
                service.runtime.stopping.set()
            await asyncio.wait(tasks, timeout=20)
            for task in tasks:
                task.cancel()
    for task in tasks:
        if not task.cancelled():
            task.result()


async def _all_ready(system: System) -> bool:
    for service in system.services.values():
        if len(service.runtime.leases.held()) != service.runtime.settings.shards:
            return False
        async with httpx.AsyncClient() as client:
            if (await client.get(f"{service.runtime.own_url}/health/ready")).status_code != 200:
                return False
    return True
