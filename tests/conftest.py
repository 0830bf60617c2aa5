"""What every test may use: one real PostgreSQL and one real Kafka, started once for the whole run."""

import gc
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvloop
from hypothesis import settings

from deploy.local.stack import Stack
from shared.telemetry import logging
from tests import sharing
from tests.scheduling import FolderScheduling, rank

if TYPE_CHECKING:  # pure tests start in milliseconds: they do not import the services
    from asyncio import AbstractEventLoop

    from xdist.remote import Producer as XdistLog

    from shared.kafka.client import Producer
    from tests.system import Templates


# How long an example takes says nothing on a machine that is busy with other things.
settings.register_profile("waypost", deadline=None)
settings.load_profile("waypost")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))


def pytest_collection_finish() -> None:
    # As services do: the collector need not walk through what has been imported again and again.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


class Loop(uvloop.Loop):
    """As uvloop's own, and it can be closed while a connection is open: then it says so."""

    def close(self) -> None:
        # Raised where it is given, the warning would keep uvloop from closing the connection, for which it would
        # then wait for ever.
        with warnings.catch_warnings(record=True) as left:
            warnings.simplefilter("always")
            super().close()
        for each in left:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], "AbstractEventLoop"]]:
    """The loop that services run on: it also takes an eighth off what a test of theirs costs."""
    return {"uvloop": Loop}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    reporter: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    config.pluginmanager.register(sharing.Host(reporter.write_line if reporter else lambda _: None))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "XdistLog") -> FolderScheduling:
    return FolderScheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def _quiet_logs() -> None:
    logging.configure(service="tests", level="warning", style="console")


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL and Kafka on free loopback ports. Tests make databases and topics of their own."""
    shared = getattr(request.config, "workerinput", {}).get("stack")
    if shared:
        yield sharing.join(Path(shared))
    else:
        folder = tmp_path_factory.mktemp("stack")
        with Stack.start(folder, progress=lambda _: None, durable=False) as running:
            yield running


@pytest.fixture(scope="session")
def templates(stack: Stack) -> "Templates":
    """A migrated database of each service, to clone."""
    from tests.system import Templates

    return Templates(stack)


@pytest.fixture
async def producers(stack: Stack) -> "AsyncIterator[Callable[[str], Producer]]":
    """Makes producers to topics of a prefix, and closes them: what a failed test leaves open fails another one."""
    from shared.kafka.client import Producer

    async with AsyncExitStack() as made:

        def make(prefix: str) -> Producer:
            producer = Producer(stack.kafka.bootstrap, topic_prefix=prefix)
            made.push_async_callback(producer.close)
            return producer

        yield make


_workspaces = count(1)


@pytest.fixture
def workspace_id() -> str:
    """A workspace that no other test uses."""
    return f"workspace-{next(_workspaces)}"
