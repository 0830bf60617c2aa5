"""Mail through crashes and outages: what is accepted becomes one message, what is not stays with its sender."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import aiosmtplib
import pytest

from deploy.local.folder import hold
from deploy.local.postgres import Postgres
from deploy.local.stack import Stack
from services.intake.adapters.outbound.queue import CLAIMED
from tests.clients import client
from tests.eventually import eventually
from tests.integration.intake.mail.post import Post, mail_of
from tests.integration.intake.mail.sink import Sink, open_sink
from tests.integration.intake.processes import clone, intake_process
from tests.keys import token
from tests.shards import SHARDS, shard_of
from tests.system import System, Templates, start
from tests.unit.intake.mails import SLOW_BODY, SLOW_TYPE

ROOT = Path(__file__).parents[4]


def slow(post: Post) -> bytes:
    """A mail that takes the parser all the time it has."""
    return post.raw(SLOW_BODY, Content_Type=SLOW_TYPE, Message_ID="<slow@x>")


async def test_a_parser_that_is_killed_costs_its_mail_only(post: Post) -> None:
    parsers = mail_of(post.system).parsers

    def used(pid: int) -> int:
        return int(Path(f"/proc/{pid}/stat").read_text().split()[13])

    before = {pid: used(pid) for pid in parsers.pids}
    posting = asyncio.create_task(post.try_post(slow(post)))

    async def kill() -> bool:
        # The one that works on it uses processor time; others may have, for mails of before.
        for pid in parsers.pids:
            if used(pid) - before.get(pid, 0) > 50:
                os.kill(pid, signal.SIGKILL)
                return True
        return False

    await eventually(kill)
    receipt = (await posting).json()
    assert (receipt["disposition"], receipt["reason"]) == ("quarantined", "the parser was killed")
    assert (await post.post(post.raw()))["disposition"] == "opened"


async def configure(http: int, workspace_id: str, address: str) -> None:
    channels = [{"id": "support", "kind": "email", "address": address}]
    async with client(f"http://127.0.0.1:{http}", bearer=token(workspace_id)) as administrator:
        answer = await administrator.put(
            "/v1/configuration", json={"channels": channels}, headers={"If-Match": "*"}
        )
        assert answer.status_code == 200, answer.text


async def test_what_was_accepted_before_a_crash_becomes_a_message_once(
    stack: Stack, templates: Templates, tmp_path: Path, workspace_id: str, sink: Sink
) -> None:
    database = await clone(stack, templates, "crash")
    address = f"support@{workspace_id}.example"
    async with intake_process(
        stack, database, tmp_path, "crash", outbound_smtp_url=f"smtp://127.0.0.1:{sink.port}"
    ) as (child, http, smtp):
        await configure(http, workspace_id, address)
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=smtp, local_hostname="tests") as client:
            post = Post(None, sink, workspace_id, None)  # type: ignore[arg-type] # only to write mails
            # The others are stored behind the first one, which is still being read.
            for raw in (slow(post), *(post.raw(Message_ID=f"<{n}@x>", Subject=str(n)) for n in range(5))):
                await client.sendmail(post.ada, [address], raw)
            child.signal(signal.SIGKILL)
    async with start(
        stack,
        ("intake",),
        prefix="crash",
        templates=templates,
        folder=tmp_path,
        databases={"intake": database},
        smtp_port=0,
    ) as system:
        post = Post(system, sink, workspace_id, await system.http("intake", workspace_id))
        # The slow one, which they wait for, may take all the time that a mail has.
        tickets = await post.until_tickets(5, within_s=30)
        assert [ticket["subject"] for ticket in reversed(tickets)] == [str(n) for n in range(5)]
        assert len(await post.quarantine()) == 1
        again = await post.try_post(post.raw(Message_ID="<0@x>", Subject="0"))
        assert again.json()["disposition"] == "duplicate"
        assert len(await post.tickets()) == 5


async def test_a_crash_behind_the_mail_servers_yes_sends_the_same_mail_again(
    stack: Stack, templates: Templates, tmp_path: Path, workspace_id: str
) -> None:
    database = await clone(stack, templates, "twice")
    address = f"support@{workspace_id}.example"
    async with open_sink() as sink:
        async with intake_process(
            stack, database, tmp_path, "twice", outbound_smtp_url=f"smtp://127.0.0.1:{sink.port}"
        ) as (child, http, _):
            await configure(http, workspace_id, address)
            async with client(f"http://127.0.0.1:{http}", bearer=token(workspace_id)) as administrator:
                post = Post(None, sink, workspace_id, administrator)  # type: ignore[arg-type] # not in this process
                first = await post.post(post.raw())
                sink.before_yes = lambda: child.signal(signal.SIGKILL)
                reply = await post.reply(first["ticket_id"])
                await post.until_sent()
        sink.before_yes = None
        async with start(
            stack,
            ("intake",),
            prefix="twice",
            templates=templates,
            folder=tmp_path,
            databases={"intake": database},
            outbound_smtp_url=f"smtp://127.0.0.1:{sink.port}",
        ) as system:
            await system.travel(CLAIMED + timedelta(minutes=1))
            post = Post(system, sink, workspace_id, await system.http("intake", workspace_id))
            once, again = await post.until_sent(2)
            assert once.mail["Message-ID"] == again.mail["Message-ID"]
            delivery = await post.until_delivery(first["ticket_id"], reply["message_id"], "sent")
            assert delivery["attempts"] == 2


@pytest.fixture
async def fragile(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory, sink: Sink
) -> AsyncIterator[tuple[System, Postgres]]:
    """A system with a PostgreSQL of its own, to be stopped."""
    with hold(tmp_path_factory.mktemp("postgres")) as folder:
        postgres = Postgres(folder, progress=lambda _: None)
        await asyncio.to_thread(postgres.start)
        own = Stack(postgres, stack.kafka)
        async with start(
            own,
            ("intake",),
            prefix="fragile",
            templates=Templates(own),
            folder=tmp_path_factory.mktemp("fragile"),
            smtp_port=0,
            lmtp_port=0,
        ) as system:
            yield system, postgres
        await asyncio.to_thread(postgres.stop)


async def test_while_the_database_is_down_mail_stays_with_its_sender(
    fragile: tuple[System, Postgres], sink: Sink, workspace_id: str
) -> None:
    system, postgres = fragile
    post = await Post.open(system, sink, workspace_id)
    port = mail_of(system).listeners.ports["smtp"]
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, local_hostname="tests") as client:
        await client.mail(post.ada)
        await client.rcpt(post.support)
        await asyncio.to_thread(postgres.kill)
        with pytest.raises(aiosmtplib.SMTPDataError) as refusal:
            await client.data(post.raw())
        assert refusal.value.code == 451
        await client.mail(post.ada)
        with pytest.raises(aiosmtplib.SMTPRecipientRefused) as unknown:
            await client.rcpt(post.support)
        assert unknown.value.code == 451
        answer = await post.try_post(post.raw())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        await asyncio.to_thread(postgres.start)

        async def delivered() -> bool:
            try:
                await post.smtp(post.raw())
            except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused):
                return False
            return True

        await eventually(delivered)
    await post.until_tickets(1)


def workspaces_of(held: Mapping[int, object], count: int) -> list[str]:
    """Names of workspaces whose shards are among these."""
    names = (f"spread-{number}" for number in range(1000))
    return [name for name in names if shard_of(name) in held][:count]


async def test_mail_that_one_process_takes_is_received_and_answered_by_the_one_that_holds_it(
    stack: Stack, templates: Templates, tmp_path: Path, sink: Sink
) -> None:
    settings = {"smtp_port": 0, "outbound_smtp_url": f"smtp://127.0.0.1:{sink.port}"}
    common = {"prefix": "spread", "templates": templates, "folder": tmp_path, **settings}
    async with start(stack, ("intake",), **common) as first:  # type: ignore[arg-type] # as written above
        async with start(stack, ("intake",), process=2, databases=first.databases, **common) as second:  # type: ignore[arg-type]

            def shares() -> tuple[set[int], set[int]]:
                one, two = (
                    {shard.n for shard in system.services["intake"].runtime.leases.held()}
                    for system in (first, second)
                )
                return one, two

            await eventually(lambda: [len(share) for share in shares()] == [SHARDS // 2] * 2, within_s=20)
            held_by_first = dict.fromkeys(shares()[0])
            for workspace_id in workspaces_of(held_by_first, 2):
                post = await Post.open(second, sink, workspace_id)
                receipt = await post.post(post.raw())
                assert receipt["disposition"] == "opened"
                await post.reply(receipt["ticket_id"])
                await post.until_sent()
            assert mail_of(first).parsers.pids
            assert not mail_of(second).parsers.pids
