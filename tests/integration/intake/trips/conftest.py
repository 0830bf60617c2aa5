"""Intake with every door open, and everybody who knocks at them or is answered by it."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from tests.integration.intake.imap.dovecot import Dovecot, dovecot_folder
from tests.integration.intake.mail.sink import Sink, open_sink
from tests.integration.intake.trips.world import World
from tests.integration.intake.vendors import Vendors, open_vendors
from tests.system import System, Templates, start
from tests.unit.intake.adapters.hooks.signing import BASE


@pytest.fixture(scope="package")
async def sink() -> AsyncIterator[Sink]:
    async with open_sink() as opened:
        yield opened


@pytest.fixture(scope="package")
async def vendors() -> AsyncIterator[Vendors]:
    async with open_vendors() as opened:
        yield opened


@pytest.fixture(scope="package")
async def dovecot() -> AsyncIterator[Dovecot]:
    with dovecot_folder() as folder:
        server = Dovecot(folder, "http://127.0.0.1:1")
        await server.start()
        yield server
        await server.stop()


@pytest.fixture(scope="package")
async def open_system(
    stack: Stack,
    templates: Templates,
    tmp_path_factory: pytest.TempPathFactory,
    sink: Sink,
    vendors: Vendors,
    dovecot: Dovecot,
) -> AsyncIterator[System]:
    """One process, shared by tests that keep to workspaces of their own."""
    async with start(
        stack,
        ("intake",),
        prefix="trips",
        templates=templates,
        folder=tmp_path_factory.mktemp("trips"),
        public_url=BASE,
        smtp_port=0,
        outbound_smtp_url=f"smtp://127.0.0.1:{sink.port}",
        twilio_url=vendors.url,
        meta_url=f"{vendors.url}/v23.0",
        slack_url=f"{vendors.url}/api",
        egress_allow=(f"127.0.0.1:{dovecot.port}", f"127.0.0.1:{vendors.port}"),
    ) as running:
        yield running


@pytest.fixture
async def world(
    open_system: System, sink: Sink, vendors: Vendors, dovecot: Dovecot, workspace_id: str
) -> AsyncIterator[World]:
    """A workspace that no other test uses."""
    async with World.open(open_system, sink, workspace_id, vendors, dovecot) as opened:
        yield opened
