"""Mailboxes through crashes, and servers that do not tell of what is new."""

import imaplib
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.clients import client
from tests.eventually import eventually
from tests.integration.intake.imap.dovecot import WITHOUT_IDLE, Dovecot
from tests.integration.intake.imap.office import Office
from tests.integration.intake.mail.sink import Sink
from tests.integration.intake.processes import clone, intake_process
from tests.keys import token
from tests.system import System, Templates, start

MAILS = 200


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
    database = await clone(stack, templates, "crashed")
    settings = {"blob_folder": str(tmp_path / "crashed-blobs"), "egress_allow": json.dumps(egress_allow)}
    async with intake_process(stack, database, tmp_path, "crashed", **settings) as (child, port, _):
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
