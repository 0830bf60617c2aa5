"""A supervised system for tests: `DATA SERVERS BEHAVIOUR...`, with one toy service a behaviour."""

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from deploy.local.console import Console
from deploy.local.folder import hold
from deploy.local.kafka import Kafka
from deploy.local.ports import free_ports
from deploy.local.postgres import Postgres
from deploy.local.server import Server
from deploy.local.service import Service
from deploy.local.supervisor import Supervisor


def main() -> int:
    data, wants_servers, *behaviours = sys.argv[1:]
    console = Console()
    with hold(Path(data)) as folder:
        servers: Sequence[Server] = ()
        if wants_servers == "servers":
            servers = (
                Postgres(folder, progress=partial(console.say, "postgres")),
                Kafka(folder, progress=partial(console.say, "kafka")),
            )

        def services() -> list[Service]:
            for server in servers:
                console.say("toy", f"{server.name} runs as {server.pid}")
            return [
                toy(f"toy{n}", port, behaviour)
                for n, (port, behaviour) in enumerate(zip(free_ports(len(behaviours)), behaviours, strict=True))
            ]

        return Supervisor(
            console,
            servers=servers,
            services=services,
            ready=lambda: console.say("toy", "all ready"),
            keep_open=[folder.lock],
        ).run()


def toy(name: str, port: int, behaviour: str) -> Service:
    argv = [sys.executable, "-m", "tests.integration.deploy.toy_service", name, str(port), behaviour]
    url = None if behaviour == "crashes" else f"http://127.0.0.1:{port}/health/ready"
    return Service(name, argv, os.environ, url)


if __name__ == "__main__":
    sys.exit(main())
