"""Intake, a mail server that it fetches from, and an issuer of tokens."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from tests.integration.intake.imap.dovecot import NAME, WITHOUT_IDLE, Dovecot, dovecot_folder
from tests.integration.intake.imap.office import Office
from tests.integration.intake.mail.sink import Sink
from tests.integration.intake.media.double import Website
from tests.system import System, Templates, start

LARGEST = 2 << 20


@pytest.fixture(scope="package")
async def issuer() -> AsyncIterator[Website]:
    async with Website.open() as opened:
        yield opened


@pytest.fixture(scope="package")
async def dovecot(issuer: Website) -> AsyncIterator[Dovecot]:
    with dovecot_folder() as folder:
        server = Dovecot(folder, issuer.url(""))
        await server.start()
        yield server
        await server.stop()


@pytest.fixture(scope="package")
def egress_allow(dovecot: Dovecot, issuer: Website) -> tuple[str, ...]:
    hosts, ports = ("127.0.0.1", WITHOUT_IDLE, NAME), (dovecot.port, dovecot.tls_port)
    return (*(f"{host}:{port}" for host in hosts for port in ports), f"127.0.0.1:{issuer.port}")


@pytest.fixture(scope="package")
async def imap_system(
    stack: Stack,
    templates: Templates,
    tmp_path_factory: pytest.TempPathFactory,
    dovecot: Dovecot,
    egress_allow: tuple[str, ...],
) -> AsyncIterator[System]:
    """It is told of new mail: nobody looks for it within a test's time."""
    async with start(
        stack,
        ("intake",),
        prefix="imap",
        templates=templates,
        folder=tmp_path_factory.mktemp("imap"),
        mail_max_bytes=LARGEST,
        imap_ca_file=dovecot.certificate,
        egress_allow=egress_allow,
    ) as running:
        yield running


@pytest.fixture
async def office(imap_system: System, dovecot: Dovecot, workspace_id: str) -> Office:
    return await Office.open(imap_system, Sink(), workspace_id, dovecot)
