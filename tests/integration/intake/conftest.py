"""Intake alone, its neighbours recorded events; and a workspace of it for each test."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from shared.events.catalog import ACCESS, TICKETS
from shared.kafka.client import Producer, Reader
from tests.integration.intake.office import Office, Tape
from tests.system import System, Templates, start


@pytest.fixture(scope="package")
async def intake(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """One process of intake, shared by tests that keep to workspaces of their own."""
    folder = tmp_path_factory.mktemp("intake")
    async with start(stack, ("intake",), prefix="intake", templates=templates, folder=folder) as running:
        yield running


@pytest.fixture(scope="package")
async def producer(intake: System, stack: Stack) -> AsyncIterator[Producer]:
    made = Producer(stack.kafka.bootstrap, topic_prefix="intake")
    yield made
    await made.close()


@pytest.fixture(scope="package")
async def tape(intake: System, stack: Stack) -> AsyncIterator[Tape]:
    """What intake has published."""
    reader = Reader(stack.kafka.bootstrap, topics=[TICKETS, ACCESS], topic_prefix="intake", group="tests")
    await reader.start()
    yield Tape(reader)
    await reader.stop()


@pytest.fixture
async def office(intake: System, producer: Producer, tape: Tape, workspace_id: str) -> Office:
    """A workspace that no other test uses."""
    return await Office.open(intake, producer, tape, workspace_id)
