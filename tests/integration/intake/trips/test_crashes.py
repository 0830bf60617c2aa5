"""SIGKILL of intake and of its parsers, again and again, while everybody brings requests."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text

from deploy.local.ports import free_ports
from deploy.local.stack import Stack
from shared.db.unit_of_work import Tx
from shared.events.catalog import TICKETS
from shared.kafka.client import Reader
from tests.clients import client
from tests.eventually import eventually
from tests.integration.intake.imap.dovecot import Dovecot
from tests.integration.intake.mail.post import Json, mail_of
from tests.integration.intake.office import Tape, name_of
from tests.integration.intake.processes import clone, intake_process
from tests.integration.intake.trips.crowd import Crowd, customer_of
from tests.integration.intake.trips.errands import word_of
from tests.keys import token
from tests.system import System, Templates, start
from tests.unit.intake.adapters.hooks.signing import BASE

KILLS = 5
SEED = 4

_MESSAGES = text("SELECT trim(text_new, E' \n') AS word, ticket_id FROM message")
_CALLS = text("SELECT provider_call_id, ticket_id FROM call WHERE phase = 'ended'")
_WAITING = text("SELECT count(*) FROM raw WHERE state = 'received'")


def parsers_of(pid: int) -> list[int]:
    """The parsers of a process of intake."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for of_thread in listed for child in of_thread.read_text().split()]
    return [pid for pid in children if b"parser_process" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def messages(system: System, workspace_id: str) -> list[tuple[str, str]]:
    """The word of each message and its ticket. Fails while there is mail that was not read."""

    async def unit(tx: Tx) -> list[tuple[str, str]]:
        assert (await tx.execute(_WAITING)).scalar_one() == 0
        return [(row.word, str(row.ticket_id)) for row in await tx.execute(_MESSAGES)]

    return list(await system.services["intake"].runtime.database.transact(unit, workspaces=[workspace_id]))


async def calls(system: System, workspace_id: str) -> list[tuple[str, str]]:
    """Each call that is over, and its ticket."""

    async def unit(tx: Tx) -> list[tuple[str, str]]:
        return [(word_of(row.provider_call_id), str(row.ticket_id)) for row in await tx.execute(_CALLS)]

    return list(await system.services["intake"].runtime.database.transact(unit, workspaces=[workspace_id]))


@pytest.mark.timeout(300)
async def test_nothing_that_was_acknowledged_is_lost_or_doubled(
    stack: Stack, templates: Templates, tmp_path: Path, workspace_id: str, dovecot: Dovecot
) -> None:
    database = await clone(stack, templates, "kills")
    (lmtp,) = free_ports(1)
    chance, crowd, killed = Random(SEED), Crowd(workspace_id, SEED, dovecot, lmtp=lmtp), 0
    dovecot.add(crowd.mail_user)
    blobs = {"blob_folder": str(tmp_path / "blobs"), "blob_row_max_bytes": "0"}
    allowed = f"127.0.0.1:{dovecot.port}"
    settings = {**blobs, "public_url": BASE, "lmtp_port": str(lmtp), "egress_allow": json.dumps([allowed])}
    common = {"prefix": "kills", "templates": templates, "folder": tmp_path, "databases": {"intake": database}}
    running: asyncio.Task[None] | None = None
    async with asyncio.TaskGroup() as group:
        for _ in range(KILLS):
            async with intake_process(stack, database, tmp_path, "kills", **settings) as (child, http, smtp):
                crowd.http, crowd.smtp = http, smtp
                if running is None:
                    await configure(crowd)
                    running = group.create_task(crowd.run())
                for _ in range(2):
                    await crowd.reached(len(crowd.taken) + chance.randint(10, 30))
                    killed += kill_one(parsers_of(child.pid), chance)
                await crowd.reached(len(crowd.taken) + chance.randint(1, 20))
                await asyncio.sleep(chance.random() / 50)
                child.signal(signal.SIGKILL)
        settings["egress_allow"] = (allowed,)  # type: ignore[assignment] # as a setting, not as text
        async with start(stack, ("intake",), smtp_port=0, **settings, **common) as system:  # type: ignore[arg-type] # as written above
            crowd.http = int(system.url("intake").rpartition(":")[2])
            crowd.smtp = mail_of(system).listeners.ports["smtp"]
            await crowd.reached(len(crowd.taken) + 50)
            crowd.is_over = True
            assert running is not None
            await running
            await must_hold(system, stack, crowd, killed)


async def configure(crowd: Crowd) -> None:
    async with client(crowd.url, bearer=token(crowd.workspace_id)) as http:
        body = {"channels": crowd.channels}
        answer = await http.put("/v1/configuration", json=body, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text


def kill_one(pids: list[int], chance: Random) -> int:
    """How many were killed."""
    if pids:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(pids), signal.SIGKILL)
            return 1
    return 0


async def must_hold(system: System, stack: Stack, crowd: Crowd, killed: int) -> None:
    """What was taken is there once: its message, its one ticket for each customer, its file, and its events."""
    http = await system.http("intake", crowd.workspace_id)
    events = {word for word in crowd.taken if word.startswith("call-")}
    said, ended = crowd.taken - events, {event.partition(" ")[0] for event in events}

    async def all_but_aside() -> list[Json]:
        answer = await http.get("/v1/quarantine", params={"limit": 200})
        aside = list(answer.json()["items"])
        found = {word for word, _ in await messages(system, crowd.workspace_id)}
        assert len(said - found) <= len(aside)
        assert len(ended - {call for call, _ in await calls(system, crowd.workspace_id)}) == 0
        return [*aside, {}]

    *aside, _ = await eventually(all_but_aside, within_s=30, every_s=0.1)
    # What was being read by a parser that was killed is quarantined, for a person to look at. Nothing else is.
    assert all(item["reason"].startswith("the parser ") for item in aside), aside
    assert len(aside) <= killed
    for item in aside:
        answer = await http.post(f"/v1/quarantine/{item['id']}/release")
        assert answer.status_code == 201, answer.text
    found = await messages(system, crowd.workspace_id)
    assert Counter(word for word, _ in found) == Counter(said)
    called = await calls(system, crowd.workspace_id)
    assert Counter(call for call, _ in called) == Counter(ended)
    # Whoever wrote twice, or called twice, has one ticket, and nobody has another's.
    tickets = dict(found)
    of_customers = {(customer_of(word), ticket) for word, ticket in (*found, *called)}
    assert len(of_customers) == len({customer for customer, _ in of_customers})
    assert len(of_customers) == len({ticket for _, ticket in of_customers})
    for word in Random(SEED).sample(sorted(crowd.errands.files), 20):
        ticket = f"/v1/tickets/{tickets[word]}"
        entries = (await http.get(f"{ticket}/timeline")).json()["items"]
        shown = [entry["message"] for entry in entries if entry["message"]]
        (file,) = next(message["attachments"] for message in shown if message["text_new"].strip() == word)
        content = (await http.get(f"{ticket}/attachments/{file['attachment_id']}")).content
        assert content == crowd.errands.files[word]
    await eventually(lambda: are_told(stack, crowd.workspace_id, found, called))


async def are_told(
    stack: Stack, workspace_id: str, found: Sequence[tuple[str, str]], called: Sequence[tuple[str, str]]
) -> bool:
    """Whether each ticket was told of, and nothing told twice but under the same id."""
    reader = Reader(stack.kafka.bootstrap, topics=[TICKETS], topic_prefix="kills", group="tests")
    await reader.start()
    try:
        events = await Tape(reader).events(workspace_id)
    finally:
        await reader.stop()
    told = {(event.subject, event.sequence, name_of(event)): event.id for event in events}
    assert set(told.values()) == {event.id for event in events}
    in_order: dict[str, list[str]] = {}
    for subject, sequence, name in sorted(told):
        in_order.setdefault(subject.removeprefix("ticket/"), []).append(name)
        assert sequence == len(in_order[subject.removeprefix("ticket/")])
    of_calls = {ticket: in_order.pop(ticket) for _, ticket in called if ticket in in_order}
    messages = Counter(ticket for _, ticket in found)
    assert in_order == {
        ticket: ["ticket.opened", *["ticket.message_received"] * number] for ticket, number in messages.items()
    }
    assert of_calls.keys() == {ticket for _, ticket in called}
    assert all(names[0] == "ticket.opened" and "call.ended" in names for names in of_calls.values())
    assert all(names.count("ticket.opened") == 1 for names in of_calls.values())
    return True
