"""Mailboxes through crashes, and servers that do not tell of what is new."""

import asyncio
import imaplib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from deploy.local.ports import free_ports
from deploy.local.processes import Child, Command, spawn
from deploy.local.stack import ServiceDatabase, Stack
from tests.clients import client
from tests.eventually import eventually
from tests.integration.intake.imap.dovecot import WITHOUT_IDLE, Dovecot
from tests.integration.intake.imap.office import Office
from tests.integration.intake.mail.sink import Sink
from tests.keys import token, write_jwks
from tests.system import System, Templates, start

ROOT = Path(__file__).parents[4]
MAILS = 200


@asynccontextmanager
async def intake_process(
    stack: Stack, database: ServiceDatabase, folder: Path, prefix: str, egress_allow: tuple[str, ...]
) -> AsyncIterator[tuple[Child, int]]:
    """Intake as a process of its own; with its port."""
    (http,) = free_ports(1)
    write_jwks(folder / "jwks.json")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("WAYPOST_")},
        "WAYPOST_ENVIRONMENT": "development",
        "WAYPOST_DATABASE_URL": database.url,
        "WAYPOST_KAFKA_BOOTSTRAP": stack.kafka.bootstrap,
        "WAYPOST_TOPIC_PREFIX": prefix,
        "WAYPOST_HOLDER": "intake-1",
        "WAYPOST_HTTP_HOST": "127.0.0.1",
        "WAYPOST_HTTP_PORT": str(http),
        "WAYPOST_JWKS_FILE": str(folder / "jwks.json"),
        "WAYPOST_BLOB_FOLDER": str(folder / f"{prefix}-blobs"),
        "WAYPOST_EGRESS_ALLOW": json.dumps(egress_allow),
    }
    with (folder / "intake.log").open("ab") as output:
        child = spawn(Command([sys.executable, "-m", "services.intake"], env=environment, cwd=ROOT), output=output)
    try:
        async with client() as asking:

            async def ready() -> bool:
                try:
                    return (await asking.get(f"http://127.0.0.1:{http}/health/ready")).status_code == 200
                except httpx.TransportError:
                    assert not child.ended.is_set(), (folder / "intake.log").read_text()
                    return False

            await eventually(ready, within_s=30, every_s=0.1)
        yield child, http
    finally:
        child.stop(signal.SIGKILL, within_s=5)


@pytest.fixture(scope="module")
async def polling(
    stack: Stack,
    templates: Templates,
    tmp_path_factory: pytest.TempPathFactory,
    dovecot: Dovecot,
    egress_allow: tuple[str, ...],
) -> AsyncIterator[System]:
    """It looks often."""
    async with start(
        stack,
        ("intake",),
        prefix="polling",
        templates=templates,
        folder=tmp_path_factory.mktemp("polling"),
        imap_poll_s=0.3,
        egress_allow=egress_allow,
    ) as running:
        yield running


async def test_a_server_that_does_not_tell_is_asked(polling: System, dovecot: Dovecot, workspace_id: str) -> None:
    office = await Office.open(polling, Sink(), workspace_id, dovecot)
    await office.watch(office.mailbox(host=WITHOUT_IDLE))
    await office.until_mailbox(state="watching")
    for number in range(2):
        await dovecot.append(office.user(), office.numbered(number))
        await office.until_tickets(number + 1)


async def test_a_folder_that_is_made_anew_while_it_is_watched_is_read_again(
    polling: System, dovecot: Dovecot, workspace_id: str
) -> None:
    office = await Office.open(polling, Sink(), workspace_id, dovecot)

    def make(program: imaplib.IMAP4) -> None:
        program.delete("Requests")
        assert program.create("Requests")[0] == "OK"

    await dovecot.do(office.user(), make)
    await dovecot.append(office.user(), office.numbered(1), folder="Requests")
    await office.watch(office.mailbox(folder="Requests"))
    before = await office.until_mailbox(state="watching", last_uid=1)
    await dovecot.do(office.user(), make)
    await dovecot.append(office.user(), office.numbered(1), office.numbered(2), folder="Requests")
    await office.until_tickets(2)
    after = await office.until_mailbox(state="watching", last_uid=2)
    assert after["uid_validity"] != before["uid_validity"]


async def test_a_crash_amid_a_mailbox_loses_nothing_and_doubles_nothing(
    stack: Stack,
    templates: Templates,
    tmp_path: Path,
    workspace_id: str,
    dovecot: Dovecot,
    egress_allow: tuple[str, ...],
) -> None:
    template = await asyncio.to_thread(templates.__getitem__, "intake")
    database = await asyncio.to_thread(
        stack.postgres.create_database, "intake", prefix="crashed_", template=template
    )
    async with intake_process(stack, database, tmp_path, "crashed", egress_allow) as (child, port):
        async with client(f"http://127.0.0.1:{port}", bearer=token(workspace_id)) as http:
            office = Office(None, Sink(), workspace_id, http)  # type: ignore[arg-type] # not in this process
            office.dovecot = dovecot
            dovecot.add(office.user())
            await dovecot.append(office.user(), *(office.numbered(number) for number in range(MAILS)))
            await office.watch(office.mailbox(after="move", move_to="Done"))

            async def is_amid() -> bool:
                return 0 < int((await office.mailboxes())["support"]["last_uid"]) < MAILS

            await eventually(is_amid, every_s=0.01)
            child.signal(signal.SIGKILL)
    async with start(
        stack,
        ("intake",),
        prefix="crashed",
        templates=templates,
        folder=tmp_path,
        databases={"intake": database},
        egress_allow=egress_allow,
    ) as system:
        office = await Office.open(system, Sink(), workspace_id, dovecot)
        await office.until_mailbox(state="watching", last_uid=MAILS, within_s=30)
        tickets = await office.until_tickets(MAILS, within_s=30)
        assert {ticket["subject"] for ticket in tickets} == {f"Mail {number}" for number in range(MAILS)}
        assert await dovecot.flags(office.user()) == []
        assert len(await dovecot.flags(office.user(), "Done")) == MAILS
