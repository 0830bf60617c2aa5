"""A router of its own, and a floor on it for each test."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from shared.kafka.client import Producer
from tests.integration.router.floor import Floor
from tests.system import System, Templates, start


@pytest.fixture(scope="package")
async def router(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """The router alone; its neighbours are recorded events."""
    folder = tmp_path_factory.mktemp("router")
    async with start(stack, ("router",), prefix="router", templates=templates, folder=folder) as running:
        yield running


@pytest.fixture(scope="package")
async def producer(router: System, stack: Stack) -> AsyncIterator[Producer]:
    made = Producer(stack.kafka.bootstrap, topic_prefix="router")
    yield made
    await made.close()


@pytest.fixture
async def floor(router: System, producer: Producer, workspace_id: str) -> Floor:
    """A configured workspace on which nobody is available yet."""
    return await Floor.open(router, producer, workspace_id)
