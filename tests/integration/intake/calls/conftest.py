"""Intake whose clock the tests move: calls settle ten seconds after they ended."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from shared.events.catalog import TICKETS
from shared.kafka.client import Producer, Reader
from tests.integration.intake.calls.switchboard import Switchboard
from tests.integration.intake.office import Office, Tape
from tests.system import System, Templates, start


@pytest.fixture(scope="package")
async def calls_system(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """One process, shared by tests that keep to workspaces of their own."""
    folder = tmp_path_factory.mktemp("calls")
    async with start(stack, ("intake",), prefix="calls", templates=templates, folder=folder) as running:
        yield running


@pytest.fixture(scope="package")
async def calls_producer(calls_system: System, stack: Stack) -> AsyncIterator[Producer]:
    made = Producer(stack.kafka.bootstrap, topic_prefix="calls")
    yield made
    await made.close()


@pytest.fixture(scope="package")
async def calls_tape(calls_system: System, stack: Stack) -> AsyncIterator[Tape]:
    """What intake has published."""
    reader = Reader(stack.kafka.bootstrap, topics=[TICKETS], topic_prefix="calls", group="tests")
    await reader.start()
    yield Tape(reader)
    await reader.stop()


@pytest.fixture
async def switchboard(
    calls_system: System, calls_producer: Producer, calls_tape: Tape, workspace_id: str
) -> Switchboard:
    """A telephone system that reports to a workspace that no other test uses."""
    office = await Office.open(calls_system, calls_producer, calls_tape, workspace_id)
    return await Switchboard.open(office)
