"""Where an installation is: on this machine, in its data folder; or wherever the environment says."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deploy.cli.errors import CliError
from deploy.cli.layout import stable_ports

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_WORKSPACE = "demo"

_WORKSPACE_FILE = "workspace"
_VALUES_FILE = "workspace.env"


@dataclass(frozen=True)
class Place:
    """One installation. Environment variables win over what its data folder says."""

    data: Path
    environ: Mapping[str, str]

    @staticmethod
    def here(data: Path | None = None) -> "Place":
        """The installation that a command is about."""
        named = os.environ.get("WAYPOST_DATA")
        return Place(data or (Path(named) if named else ROOT / ".waypost"), os.environ)

    @cached_property
    def ports(self) -> Mapping[str, int]:
        """Where everything listens; the stable ports where nothing was started yet."""
        try:
            ports: dict[str, int] = json.loads((self.data / "ports.json").read_text())
        except FileNotFoundError:
            return stable_ports()
        except (OSError, ValueError) as error:
            raise CliError(f"{self.data / 'ports.json'} cannot be read: {error}.") from None
        return ports

    def url(self, service: str) -> str:
        """A service's address; also WAYPOST_INTAKE_URL and so on."""
        named = self.environ.get(f"WAYPOST_{service.upper()}_URL")
        return named.rstrip("/") if named else f"http://127.0.0.1:{self._port(service)}"

    @property
    def smtp(self) -> tuple[str, int]:
        """Host and port that take mail; also WAYPOST_SMTP."""
        named = self.environ.get("WAYPOST_SMTP")
        if named is None:
            return "127.0.0.1", self._port("smtp")
        host, _, port = named.rpartition(":")
        if not host or not port.isdigit():
            raise CliError("WAYPOST_SMTP is written as host:port.")
        return host, int(port)

    @property
    def kafka(self) -> str:
        """The broker; also WAYPOST_KAFKA_BOOTSTRAP."""
        return self.environ.get("WAYPOST_KAFKA_BOOTSTRAP") or f"127.0.0.1:{self._port('kafka')}"

    def login_url(self, service: str) -> str:
        """The login that reads and writes a service's rows; also WAYPOST_DATABASE_URL."""
        return self._database_url(service, f"waypost_{service}", "WAYPOST_DATABASE_URL")

    def owner_url(self, service: str) -> str:
        """The login that may change a service's tables; also WAYPOST_DATABASE_OWNER_URL."""
        return self._database_url(service, f"waypost_{service}_owner", "WAYPOST_DATABASE_OWNER_URL")

    @property
    def keys(self) -> Path:
        """The folder of the development key."""
        return self.data / "keys"

    @property
    def mail(self) -> Path:
        """The folder in which the development mail sink keeps what was sent."""
        return self.data / "mail"

    @property
    def workspace_id(self) -> str:
        """The workspace that is meant where none is named.

        WAYPOST_WORKSPACE, that of WAYPOST_TOKEN, or the one that was applied last.
        """
        if named := self.environ.get("WAYPOST_WORKSPACE"):
            return named
        if given := self.environ.get("WAYPOST_TOKEN"):
            from deploy.cli.tokens import read  # late: the library behind it takes its time

            return read(given).workspace_id
        try:
            return (self.data / _WORKSPACE_FILE).read_text().strip() or DEFAULT_WORKSPACE
        except OSError:
            return DEFAULT_WORKSPACE

    def remember_workspace(self, workspace_id: str) -> None:
        """Makes it the one that is meant from now on; only an installation on this machine remembers."""
        if self.data.is_dir():
            (self.data / _WORKSPACE_FILE).write_text(f"{workspace_id}\n")

    @property
    def values(self) -> Mapping[str, str]:
        """What `${NAME}` in a workspace's file stands for: the environment, then the data folder's own values."""
        try:
            lines = (self.data / _VALUES_FILE).read_text().splitlines()
        except OSError:
            lines = []
        own = dict(line.split("=", 1) for line in lines if "=" in line)
        return {**own, **self.environ}

    def offer_values(self, values: Mapping[str, str]) -> None:
        """Keeps values for `${NAME}`, readable by their owner alone; those that were kept before stay."""
        file = self.data / _VALUES_FILE
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    def _database_url(self, service: str, role: str, variable: str) -> str:
        if named := self.environ.get(variable):
            return named
        try:
            password = json.loads((self.data / "passwords.json").read_text())[role]
        except (OSError, ValueError, KeyError):
            raise CliError(f"There is no database of {service} in {self.data}: set {variable}.") from None
        return f"postgresql://{role}:{password}@127.0.0.1:{self._port('postgres')}/waypost_{service}"

    def _port(self, name: str) -> int:
        try:
            return self.ports[name]
        except KeyError:
            raise CliError(f"{self.data / 'ports.json'} does not say where {name} listens.") from None
