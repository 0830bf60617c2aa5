"""Two help desks that write to each other, and servers that say no: the number of mails has an end."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.ports import free_ports
from deploy.local.stack import Stack
from services.intake.adapters.outbound.queue import DeliveryQueue
from shared.db.unit_of_work import Tx
from tests.eventually import eventually
from tests.integration.intake.mail.post import Post, mail_of
from tests.integration.intake.mail.sink import Sink
from tests.system import System, Templates, start


@pytest.fixture(scope="module")
async def circle(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """A system whose mail leaves by the server by which it comes in."""
    (port,) = free_ports(1)
    async with start(
        stack,
        ("intake",),
        prefix="circle",
        templates=templates,
        folder=tmp_path_factory.mktemp("circle"),
        smtp_port=port,
        outbound_smtp_url=f"smtp://127.0.0.1:{port}",
    ) as running:
        yield running


async def settled(system: System) -> bool:
    """Whether nothing is on its way any more, in or out."""
    runtime, mail = system.services["intake"].runtime, mail_of(system)
    shards = range(runtime.settings.shards)
    queue = DeliveryQueue()

    async def unit(tx: Tx) -> bool:
        waits = await mail.raws.waiting(tx, shards)
        due = [await queue.waiting(tx, shard) for shard in shards]
        return not waits and not any(due)

    return await runtime.database.transact(unit, claims=shards)


async def test_help_desks_that_write_to_each_other_come_to_an_end(circle: System, workspace_id: str) -> None:
    acme = await Post.open(circle, Sink(), workspace_id)
    globex = await Post.open(circle, Sink(), f"{workspace_id}-globex")
    at_acme = (await acme.post(acme.raw("Where is our order?", From=globex.support)))["ticket_id"]
    await acme.reply(at_acme, "On its way.")
    (at_globex,) = await globex.until_tickets(1)
    await globex.reply(at_globex["ticket_id"], "When?")
    await acme.until_messages(at_acme, 3)
    # What machines of both add is recorded on the other side, and sets nothing off there.
    for desk, ticket_id in ((acme, at_acme), (globex, at_globex["ticket_id"])):
        await desk.reply(ticket_id, "We have received your mail.", author_kind="bot", author_id="helper")
    await acme.until_messages(at_acme, 5)
    await globex.until_messages(at_globex["ticket_id"], 4)
    await eventually(lambda: settled(circle))
    assert [len(await desk.tickets()) for desk in (acme, globex)] == [1, 1]
    assert len(await acme.messages(at_acme)) == 5
    assert len(await globex.messages(at_globex["ticket_id"])) == 4
    assert [message["machine"] for message in await acme.messages(at_acme)][4] == "auto_generated"


async def test_a_server_that_refuses_a_reply_hears_of_it_once(circle: System, workspace_id: str) -> None:
    acme = await Post.open(circle, Sink(), workspace_id)
    first = await acme.post(acme.raw(From=f"nobody@{workspace_id}.example.net"))
    reply = await acme.reply(first["ticket_id"])
    delivery = await acme.until_delivery(first["ticket_id"], reply["message_id"], "failed")
    assert delivery["attempts"] == 1
    await eventually(lambda: settled(circle))
    assert len(await acme.tickets()) == 1


async def test_mail_that_a_customers_server_sends_back_ends_in_quarantine(
    circle: System, workspace_id: str
) -> None:
    acme = await Post.open(circle, Sink(), workspace_id)
    first = await acme.post(acme.raw(Reply_To=acme.sales))
    await acme.reply(first["ticket_id"])

    async def quarantined() -> bool:
        return [item["reason"] for item in await acme.quarantine()] == ["loop: it is our own mail"]

    await eventually(quarantined)
    await eventually(lambda: settled(circle))
    assert len(await acme.messages(first["ticket_id"])) == 2
