"""Intake with live chat, and a server that its mail leaves by."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from tests.integration.intake.chat.room import Room
from tests.integration.intake.mail.sink import Sink, open_sink
from tests.system import System, Templates, start


@pytest.fixture(scope="package")
async def sink() -> AsyncIterator[Sink]:
    async with open_sink() as opened:
        yield opened


@pytest.fixture(scope="package")
async def chat_system(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory, sink: Sink
) -> AsyncIterator[System]:
    """One process, shared by tests that keep to workspaces of their own."""
    async with start(
        stack,
        ("intake",),
        prefix="chat",
        templates=templates,
        folder=tmp_path_factory.mktemp("chat"),
        outbound_smtp_url=f"smtp://127.0.0.1:{sink.port}",
        chat_connections_of_workspace=4,
        chat_slow_after_s=0.5,
    ) as running:
        yield running


@pytest.fixture
async def room(chat_system: System, workspace_id: str) -> Room:
    return await Room.open(chat_system, workspace_id)
