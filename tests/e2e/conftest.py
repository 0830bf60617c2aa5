"""The four services with their mail servers, and what they send to."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from tests.integration.intake.mail.sink import Sink, open_sink
from tests.integration.outside import Website
from tests.system import BUILDS, System, Templates, start


@pytest.fixture(scope="package")
async def sink() -> AsyncIterator[Sink]:
    async with open_sink() as opened:
        yield opened


@pytest.fixture(scope="package")
async def website() -> AsyncIterator[Website]:
    async with Website.open() as opened:
        yield opened


@pytest.fixture(scope="package")
async def whole(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory, sink: Sink
) -> AsyncIterator[System]:
    """All four, for tests that keep to workspaces of their own; one of them moves the clocks forward."""
    async with start(
        stack,
        BUILDS,
        prefix="whole",
        templates=templates,
        folder=tmp_path_factory.mktemp("whole"),
        smtp_port=0,
        outbound_smtp_url=f"smtp://127.0.0.1:{sink.port}",
    ) as running:
        yield running
