"""Intake, reached by providers."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from tests.integration.intake.hooks.vendors import Vendors
from tests.system import System, Templates, start

LARGEST_MAIL = 6 << 20
NOBODY = "http://127.0.0.1:1"
"""Answers find no vendor and wait."""


@pytest.fixture(scope="package")
async def hooked(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """One process, shared by tests that keep to workspaces of their own."""
    folder = tmp_path_factory.mktemp("hooks")
    async with start(
        stack,
        ("intake",),
        prefix="hooks",
        templates=templates,
        folder=folder,
        mail_max_bytes=LARGEST_MAIL,
        twilio_url=NOBODY,
        meta_url=NOBODY,
        slack_url=NOBODY,
    ) as running:
        yield running


@pytest.fixture
async def vendors(hooked: System, workspace_id: str) -> Vendors:
    return await Vendors.open(hooked, workspace_id)
