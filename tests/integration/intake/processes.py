"""Intake as processes of their own, to be killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from deploy.local.ports import free_ports
from deploy.local.processes import Child, Command, spawn
from deploy.local.stack import ServiceDatabase, Stack
from tests.clients import client
from tests.eventually import eventually
from tests.keys import write_jwks
from tests.shards import SHARDS
from tests.system import Templates

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def intake_process(
    stack: Stack, database: ServiceDatabase, folder: Path, prefix: str, **settings: str
) -> AsyncIterator[tuple[Child, int, int]]:
    """Intake as a process of its own; with the ports of its HTTP and its SMTP. settings: by their field"""
    http, smtp = free_ports(2)
    write_jwks(folder / "jwks.json")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("WAYPOST_")},
        "WAYPOST_ENVIRONMENT": "development",
        "WAYPOST_DATABASE_URL": database.url,
        "WAYPOST_KAFKA_BOOTSTRAP": stack.kafka.bootstrap,
        "WAYPOST_TOPIC_PREFIX": prefix,
        "WAYPOST_SHARDS": str(SHARDS),
        "WAYPOST_HOLDER": "intake-1",
        "WAYPOST_HTTP_HOST": "127.0.0.1",
        "WAYPOST_HTTP_PORT": str(http),
        "WAYPOST_SMTP_PORT": str(smtp),
        "WAYPOST_JWKS_FILE": str(folder / "jwks.json"),
        **{f"WAYPOST_{name.upper()}": value for name, value in settings.items()},
    }
    with (folder / "intake.log").open("ab") as output:
        child = spawn(Command([sys.executable, "-m", "services.intake"], env=environment, cwd=ROOT), output=output)
    try:
        async with client() as asking:

            async def ready() -> bool:
                try:
                    return (await asking.get(f"http://127.0.0.1:{http}/health/ready")).status_code == 200
                except httpx.HTTPError:
                    return False

            await eventually(ready, within_s=30)
        yield child, http, smtp
    finally:
        await asyncio.to_thread(child.stop, signal.SIGKILL, within_s=10)


async def clone(stack: Stack, templates: Templates, prefix: str) -> ServiceDatabase:
    def make() -> ServiceDatabase:
        return stack.postgres.create_database("intake", prefix=f"{prefix}_", template=templates["intake"])

    return await asyncio.to_thread(make)
