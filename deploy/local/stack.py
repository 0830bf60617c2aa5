"""PostgreSQL and Kafka together, for tests and measurements."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.databases import ServiceDatabase
from deploy.local.folder import hold
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.server import start_all

__all__ = ["ServiceDatabase", "Stack"]


@dataclass(frozen=True)
class Stack:
    """Both servers, on free loopback ports."""

    postgres: Postgres
    kafka: Kafka

    @staticmethod
    @contextmanager
    def start(data: Path, *, progress: Callable[[str], None] = print) -> "Iterator[Stack]":
        """Starts both in this data folder, stops both at the end; the data stays.

        progress: gets a line about every step
        """

        def told_by(name: str) -> Callable[[str], None]:
            return lambda text: progress(f"{name}: {text}")

        with hold(data) as folder:
            stack = Stack(Postgres(folder, progress=told_by("postgres")), Kafka(folder, progress=told_by("kafka")))
            try:
                start_all([stack.postgres, stack.kafka])
                yield stack
            finally:
                stack.kafka.stop()
                stack.postgres.stop()
