"""One fleet for all of these tests, on servers of its own: what they do to them would disturb others."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from shared.kafka.client import Producer
from tests.failure.fleet import Fleet
from tests.failure.truth import Truth
from tests.system import Templates


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of these takes seconds where nothing else runs, and a minute where much does."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="package")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    # Processes are killed here, and what they have written the kernel keeps: nobody cuts its power.
    folder = tmp_path_factory.mktemp("failing")
    with Stack.start(folder, progress=lambda _: None, durable=False) as running:
        yield running


@pytest.fixture(scope="package")
async def _fleet(own_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    async with Fleet.open(own_stack, Templates(own_stack), tmp_path_factory.mktemp("fleet"), "fleet") as running:
        yield running


@pytest.fixture(scope="package")
def _truth(_fleet: Fleet) -> Truth:
    return Truth(_fleet)


@pytest.fixture
async def fleet(_fleet: Fleet) -> Fleet:
    """The four services, ready."""
    await _fleet.ready()
    return _fleet


@pytest.fixture
def truth(_truth: Truth) -> Truth:
    """What their topics say."""
    return _truth


@pytest.fixture
async def producer(_fleet: Fleet) -> AsyncIterator[Producer]:
    """Puts records on their topics past every outbox."""
    made = Producer(_fleet.stack.kafka.bootstrap, topic_prefix=_fleet.prefix)
    yield made
    await made.close()
