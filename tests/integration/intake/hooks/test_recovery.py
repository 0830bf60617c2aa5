"""Providers' calls through an outage: what is not stored may come again, what is stored is not lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.local.folder import hold
from deploy.local.postgres import Postgres
from deploy.local.stack import Stack
from tests.eventually import eventually
from tests.integration.intake.hooks.test_doors import calls, without_signature
from tests.integration.intake.hooks.vendors import Vendors
from tests.integration.intake.office import refused
from tests.system import System, Templates, start


@pytest.fixture
async def fragile(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[System, Postgres]]:
    """A system with a PostgreSQL of its own, to be stopped."""
    with hold(tmp_path_factory.mktemp("postgres")) as folder:
        postgres = Postgres(folder, progress=lambda _: None)
        await asyncio.to_thread(postgres.start)
        own = Stack(postgres, stack.kafka)
        async with start(
            own,
            ("intake",),
            prefix="outage",
            templates=Templates(own),
            folder=tmp_path_factory.mktemp("outage"),
        ) as system:
            yield system, postgres
        await asyncio.to_thread(postgres.stop)


async def test_while_the_database_is_down_everything_may_come_again(
    fragile: tuple[System, Postgres], workspace_id: str
) -> None:
    system, postgres = fragile
    vendors = await Vendors.open(system, workspace_id)
    before = vendors.twilio(vendors.a_text(Body="before"))
    await vendors.bring(before)
    await asyncio.to_thread(postgres.kill)
    waiting = calls(vendors)
    for call in (*waiting.values(), without_signature(waiting["slack"])):
        answer = await vendors.send(call)
        refused(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
    await asyncio.to_thread(postgres.start)

    async def taken() -> bool:
        return (await vendors.send(before)).status_code == 200

    await eventually(taken, within_s=30)
    for call in waiting.values():
        await vendors.bring(call)

    async def received() -> bool:
        found = [message for ticket in await vendors.tickets() for message in await vendors.messages(ticket)]
        channels = {ticket["channel"] for ticket in await vendors.tickets()}
        # A telephone call is no message; one of each provider, and the one from before.
        return len(found) == len(waiting) and channels == {"sms", "phone", "whats", "slack", "any", "mail"}

    await eventually(received, within_s=30)
    system.services["intake"].runtime.stopping.set()
    refused(await vendors.send(before), 503, "unavailable")
