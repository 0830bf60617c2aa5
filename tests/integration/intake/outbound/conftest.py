"""Intake with the vendors that its answers leave by."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from tests.integration.intake.outbound.desk import PUBLIC_URL, Desk
from tests.integration.intake.vendors import Vendors, open_vendors
from tests.system import System, Templates, start


@pytest.fixture(scope="package")
async def vendors() -> AsyncIterator[Vendors]:
    async with open_vendors() as opened:
        yield opened


@pytest.fixture(scope="package")
async def outbound_system(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory, vendors: Vendors
) -> AsyncIterator[System]:
    """One process, shared by tests that keep to workspaces of their own."""
    async with start(
        stack,
        ("intake",),
        prefix="outbound",
        templates=templates,
        folder=tmp_path_factory.mktemp("outbound"),
        public_url=PUBLIC_URL,
        callbacks_an_hour=1,
        twilio_url=vendors.url,
        meta_url=f"{vendors.url}/v23.0",
        slack_url=f"{vendors.url}/api",
    ) as running:
        yield running


@pytest.fixture
async def desk(outbound_system: System, vendors: Vendors, workspace_id: str) -> Desk:
    """A workspace that no other test uses."""
    return await Desk.open(outbound_system, vendors, workspace_id)
