"""What leaves through crashes: at least once, under the same id."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.intake.adapters.outbound.queue import CLAIMED
from tests.clients import client
from tests.integration.intake.outbound.desk import Desk
from tests.integration.intake.processes import clone, intake_process
from tests.integration.intake.vendors import Asked, Scripted, open_vendors
from tests.keys import token
from tests.system import Templates, start


@pytest.mark.parametrize(
    ("channel", "name"),
    [("slack", "slack"), ("other", "standard")],
)
async def test_a_crash_behind_the_vendors_yes_sends_the_same_message_again(
    channel: str, name: str, stack: Stack, templates: Templates, tmp_path: Path, workspace_id: str
) -> None:
    prefix = f"killed_{name}"
    database = await clone(stack, templates, prefix)
    async with open_vendors() as vendors:
        api = f"{vendors.url}/api"
        async with intake_process(stack, database, tmp_path, prefix, slack_url=api) as (child, http, _):
            async with client(f"http://127.0.0.1:{http}", bearer=token(workspace_id)) as administrator:
                desk = Desk(None, vendors, workspace_id, administrator)  # type: ignore[arg-type] # not in this process
                await desk.configure(*desk.channels())
                vendors.script(desk.words, Scripted(before=killing(child.signal)))
                receipt = await desk.reply(await desk.ticket(channel, {"handle": "U024BE7LH"}))
                await vendors.until(desk.words)
        async with start(
            stack,
            ("intake",),
            prefix=prefix,
            templates=templates,
            folder=tmp_path,
            databases={"intake": database},
            slack_url=api,
        ) as system:
            await system.travel(CLAIMED + timedelta(minutes=1))
            desk = Desk(system, vendors, workspace_id, await system.http("intake", workspace_id))
            once, again = await vendors.until(desk.words, 2)
            assert id_of(once) == id_of(again) == receipt["message"]["message_id"]
            delivery = await desk.until(receipt, "sent")
            assert delivery["attempts"] == 2


def killing(kill: Callable[[int], None]) -> Callable[[], Awaitable[None]]:
    """Ends the process before it hears the vendor's yes."""

    async def act() -> None:
        await asyncio.to_thread(kill, signal.SIGKILL)

    return act


def id_of(asked: Asked) -> str:
    """By what the vendor tells a repeat."""
    return asked.headers.get("webhook-id") or str(asked.json["client_msg_id"])
