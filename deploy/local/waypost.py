"""What Waypost is made of: its services, their ports, and what each of them is told."""

import json
import sys
from collections.abc import Mapping
from functools import partial

from deploy.cli.keys import ensure_keys
from deploy.cli.layout import MAIL, PORT_BASE, SERVICES, Ports, stable_ports
from deploy.cli.place import Place
from deploy.local.console import Console
from deploy.local.databases import Databases, ServiceDatabase
from deploy.local.folder import Folder, write_private
from deploy.local.kafka import Kafka
from deploy.local.ports import LOOPBACK, free_ports, require_free
from deploy.local.postgres import Postgres
from deploy.local.server import Server
from deploy.local.service import Service
from deploy.local.supervisor import NAME
from deploy.local.welcome import apply_demo, demo_values, first_steps

__all__ = ["PORT_BASE", "SERVICES", "Ports", "System", "stable_ports", "unused_ports"]

WEBHOOK_SINK = "webhook_sink"
"""Where the demo listens for webhooks while it runs. Nobody else does."""

DATABASE_URL = "WAYPOST_DATABASE_URL"
KAFKA_BOOTSTRAP = "WAYPOST_KAFKA_BOOTSTRAP"


def unused_ports() -> Ports:
    """Free ports for the services; the servers choose theirs when they start."""
    names = (*SERVICES, *MAIL, WEBHOOK_SINK)
    return dict(zip(names, free_ports(len(names)), strict=True))


class System:
    """One Waypost in one data folder."""

    def __init__(self, folder: Folder, ports: Ports, environ: Mapping[str, str], console: Console) -> None:
        """environ: handed on to the services; may name servers to use instead of own ones."""
        self.folder = folder
        self.ports = dict(ports)
        self.postgres: Postgres | None = None
        self.kafka: Kafka | None = None
        self._environ = environ
        self._console = console
        self._ports_file = folder.path / "ports.json"
        self._ports_file.unlink(missing_ok=True)
        self._webhook_port = self.ports.pop(WEBHOOK_SINK)
        port, client, controller = (
            self.ports.pop(name, None) for name in ("postgres", "kafka", "kafka_controller")
        )
        if not environ.get(DATABASE_URL):
            self.postgres = Postgres(folder, port=port, progress=partial(console.say, "postgres"))
        if not environ.get(KAFKA_BOOTSTRAP):
            told = partial(console.say, "kafka")
            self.kafka = Kafka(folder, port=client, controller_port=controller, progress=told)

    @property
    def servers(self) -> list[Server]:
        """The servers to run, in the order in which they start."""
        return [server for server in (self.postgres, self.kafka) if server is not None]

    @property
    def admin_url(self) -> str:
        """The login with which databases are made."""
        return self.postgres.admin_url if self.postgres else self._environ[DATABASE_URL]

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self.kafka.bootstrap if self.kafka else self._environ[KAFKA_BOOTSTRAP]

    @property
    def place(self) -> Place:
        """The installation as its command line sees it: this one, whatever the environment names."""
        return Place(self.folder.path, {})

    def url(self, service: str) -> str:
        """Where a service listens."""
        return f"http://{LOOPBACK}:{self.ports[service]}"

    def require_ports(self) -> None:
        """LocalError if somebody else listens on one of the ports."""
        for name, port in self.ports.items():
            require_free(port, name)
        for server in self.servers:
            server.require_ports()

    def services(self) -> list[Service]:
        """Makes what the services need, once the servers answer; says what to run."""
        if self.postgres:
            (self.ports["postgres"],) = self.postgres.ports
        if self.kafka:
            self.ports["kafka"], self.ports["kafka_controller"] = self.kafka.ports
        write_private(self._ports_file, json.dumps(self.ports, indent=2))
        ensure_keys(self.place.keys)
        self.place.offer_values(demo_values(self._webhook_port, self.folder.passwords))
        databases = Databases(self.admin_url, self.folder.passwords)
        return [self._mail_sink(), *(self._service(name, databases.create(name)) for name in SERVICES)]

    def ready(self) -> None:
        """Applies the demo workspace at the first start, and says where everything is and what to do next."""
        applied = apply_demo(self.place)
        self._console.say(NAME, first_steps(self.place, applied))

    def _service(self, name: str, database: ServiceDatabase) -> Service:
        env = {
            "WAYPOST_LOG_LEVEL": "warning",  # what a person has to do next must not scroll away
            **self._environ,
            "WAYPOST_ENVIRONMENT": "development",
            "WAYPOST_HOLDER": f"{name}-1",
            "WAYPOST_HTTP_HOST": LOOPBACK,
            "WAYPOST_HTTP_PORT": str(self.ports[name]),
            DATABASE_URL: database.url,
            "WAYPOST_DATABASE_OWNER_URL": database.owner_url,
            KAFKA_BOOTSTRAP: self.bootstrap,
            "WAYPOST_JWKS_FILE": str(self.folder.path / "keys" / "jwks.json"),
        }
        if name == "intake":
            env["WAYPOST_LMTP_PORT"] = str(self.ports["lmtp"])
            env["WAYPOST_SMTP_PORT"] = str(self.ports["smtp"])
            env["WAYPOST_BLOB_FOLDER"] = str(self.folder.path / "blobs")
        if name in ("intake", "escalation"):
            env["WAYPOST_OUTBOUND_SMTP_URL"] = f"smtp://{LOOPBACK}:{self.ports['mail_sink']}"
        return Service(name, [sys.executable, "-m", f"services.{name}"], env, f"{self.url(name)}/health/ready")

    def _mail_sink(self) -> Service:
        options = ["--port", str(self.ports["mail_sink"]), "--folder", str(self.folder.path / "mail")]
        env = {name: value for name, value in self._environ.items() if name != DATABASE_URL}
        return Service("mail_sink", [sys.executable, "-m", "deploy.local.mail_sink", *options], env)
