"""PostgreSQL and Kafka together, for tests and measurements."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.databases import ServiceDatabase
from deploy.local.folder import Folder, hold, look_into
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.server import start_all

__all__ = ["Ports", "ServiceDatabase", "Stack"]

Ports = Mapping[str, Sequence[int]]
"""Those of each server, by its name."""


@dataclass(frozen=True)
class Stack:
    """Both servers, on free loopback ports."""

    postgres: Postgres
    kafka: Kafka

    @staticmethod
    @contextmanager
    def start(data: Path, *, progress: Callable[[str], None] = print, durable: bool = True) -> "Iterator[Stack]":
        """Starts both in this data folder, stops both at the end; the data stays.

        progress: gets a line about every step;
        durable: whether PostgreSQL waits for the disk, or only until the kernel has what it writes
        """

        with hold(data) as folder:
            stack = Stack._of(folder, progress, durable=durable)
            try:
                start_all([stack.postgres, stack.kafka])
                yield stack
            finally:
                stack.kafka.stop()
                stack.postgres.stop()

    @staticmethod
    def join(data: Path, ports: Ports) -> "Stack":
        """Both servers as another process runs them in this data folder, on these ports."""
        stack = Stack._of(look_into(data), progress=lambda _: None)
        stack.postgres.join(ports["postgres"])
        stack.kafka.join(ports["kafka"])
        return stack

    @property
    def ports(self) -> Ports:
        """What `join` needs to know."""
        return {"postgres": self.postgres.ports, "kafka": self.kafka.ports}

    @staticmethod
    def _of(folder: Folder, progress: Callable[[str], None], *, durable: bool = True) -> "Stack":
        def told_by(name: str) -> Callable[[str], None]:
            return lambda text: progress(f"{name}: {text}")

        postgres = Postgres(folder, progress=told_by("postgres"), durable=durable)
        return Stack(postgres, Kafka(folder, progress=told_by("kafka")))
