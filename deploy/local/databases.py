"""The services' databases: one each, with a role that owns it and a login that may only use it."""

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from deploy.local.errors import LocalError
from deploy.local.folder import Passwords

DEFAULT_PREFIX = "waypost_"
POWERLESS = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"

TURN = 0x57_61_79_70
"""The advisory lock under which roles and databases are made: one caller at a time."""


@dataclass(frozen=True)
class ServiceDatabase:
    """Where a service keeps its rows."""

    name: str
    url: str
    """The login's: reads and writes rows of this database, may connect to no other."""
    owner_url: str
    """The owner's: migrates."""


class Databases:
    """Makes databases with an administrator's login."""

    def __init__(self, admin_url: str, passwords: Passwords) -> None:
        self._admin_url = admin_url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._passwords = passwords
        self._known_roles: set[str] = set()

    def create(
        self, service: str, *, prefix: str = DEFAULT_PREFIX, template: str | None = None
    ) -> ServiceDatabase:
        """The database `<prefix><service>` with the roles `waypost_<service>` and `waypost_<service>_owner`.

        Makes what is missing and leaves alone what is there. The roles are the same under every prefix.
        template: the name of a database that this made for the same service; nobody may be connected to it.
        """
        name, login, owner = f"{prefix}{service}", f"waypost_{service}", f"waypost_{service}_owner"
        for word in (name, login, template or name):
            _require_plain(word)
        made = ServiceDatabase(name, url=self._url(login, name), owner_url=self._url(owner, name))
        _wait_for(self._create(made, login, owner, template))
        return made

    def drop(self, name: str) -> None:
        """Removes a database and cuts whoever uses it."""
        _require_plain(name)
        _wait_for(self._drop(name))

    async def _create(self, made: ServiceDatabase, login: str, owner: str, template: str | None) -> None:
        async with _connected(self._admin_url) as admin:
            await admin.execute("SELECT pg_advisory_lock($1)", TURN)
            for role in (login, owner):
                await self._ensure_role(admin, role)
            if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", made.name):
                copied = f"TEMPLATE {template}" if template else ""
                await admin.execute(f"CREATE DATABASE {made.name} OWNER {owner} {copied}")
            # A copy has its template's tables and rights on them, but not the right to connect.
            await admin.execute(f"REVOKE ALL ON DATABASE {made.name} FROM public")
            await admin.execute(f"GRANT CONNECT ON DATABASE {made.name} TO {login}")
            if template is None:
                await self._open_schema(made.owner_url, login)

    async def _open_schema(self, owner_url: str, login: str) -> None:
        rows = "SELECT, INSERT, UPDATE, DELETE"
        async with _connected(owner_url) as owner:
            await owner.execute(f"GRANT USAGE ON SCHEMA public TO {login}")
            await owner.execute(f"ALTER DEFAULT PRIVILEGES GRANT {rows} ON TABLES TO {login}")
            await owner.execute(f"ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO {login}")

    async def _ensure_role(self, admin: Any, role: str) -> None:
        if role in self._known_roles:
            return
        if not await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
            await admin.execute(f"CREATE ROLE {role} {POWERLESS}")
        # Passwords are hexadecimal: no quoting. An administrator without superuser has to be a member of a
        # role to make it an owner.
        await admin.execute(f"ALTER ROLE {role} PASSWORD '{self._passwords.of(role)}'")
        await admin.execute(f"GRANT {role} TO CURRENT_USER")
        self._known_roles.add(role)

    async def _drop(self, name: str) -> None:
        async with _connected(self._admin_url) as admin:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _url(self, role: str, database: str) -> str:
        server = urlsplit(self._admin_url)
        host = server.netloc.rpartition("@")[2]
        return server._replace(netloc=f"{role}:{self._passwords.of(role)}@{host}", path=f"/{database}").geturl()


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def _wait_for(work: Coroutine[Any, Any, None]) -> None:
    """Runs it on a loop of its own: the calling thread may have one that is running."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, work).result()


def _require_plain(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise LocalError(f"{name!r} is not a plain lower-case name.")
