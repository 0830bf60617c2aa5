"""What every test may use: one real PostgreSQL and one real Kafka, started once for the whole run."""

from collections.abc import Iterator

import pytest

from deploy.local.stack import Stack
from shared.telemetry import logging


@pytest.fixture(scope="session", autouse=True)
def _quiet_logs() -> None:
    logging.configure(service="tests", level="warning", style="console")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL and Kafka on free loopback ports. Tests make databases and topics of their own."""
    with Stack.start(tmp_path_factory.mktemp("stack"), progress=lambda _: None) as running:
        yield running
