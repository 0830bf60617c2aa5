"""Intake, and a web server that stands in for the vendors that it fetches from."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from tests.integration.intake.media.double import Website
from tests.system import System, Templates, start


@pytest.fixture(scope="package")
async def vendors() -> AsyncIterator[Website]:
    async with Website.open() as opened:
        yield opened


@pytest.fixture(scope="package")
async def media_system(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory, vendors: Website
) -> AsyncIterator[System]:
    async with start(
        stack,
        ("intake",),
        prefix="media",
        templates=templates,
        folder=tmp_path_factory.mktemp("media"),
        twilio_url=vendors.url(""),
        meta_url=vendors.url("/v23.0"),
        slack_url=vendors.url("/api"),
        egress_allow=(f"127.0.0.1:{vendors.port}", f"localhost:{vendors.port}"),
        media_max_bytes=100_000,
    ) as running:
        yield running
