"""Intake with its mail servers, and a server that its mail leaves by."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from tests.integration.intake.mail.post import Post
from tests.integration.intake.mail.sink import Sink, open_sink
from tests.system import System, Templates, start

LARGEST = 3 << 20


@pytest.fixture(scope="package")
async def sink() -> AsyncIterator[Sink]:
    async with open_sink() as opened:
        yield opened


@pytest.fixture(scope="package")
async def mail_system(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory, sink: Sink
) -> AsyncIterator[System]:
    """One process, shared by tests that keep to workspaces of their own."""
    async with start(
        stack,
        ("intake",),
        prefix="mail",
        templates=templates,
        folder=tmp_path_factory.mktemp("mail"),
        smtp_port=0,
        lmtp_port=0,
        mail_max_bytes=LARGEST,
        outbound_smtp_url=f"smtp://127.0.0.1:{sink.port}",
    ) as running:
        yield running


@pytest.fixture
async def post(mail_system: System, sink: Sink, workspace_id: str) -> Post:
    return await Post.open(mail_system, sink, workspace_id)
