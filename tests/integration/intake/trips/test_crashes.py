"""SIGKILL of intake and of its parsers, again and again, while everybody brings requests."""

import asyncio
import os
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from shared.db.unit_of_work import Tx
from shared.events.catalog import TICKETS
from shared.kafka.client import Reader
from tests.clients import client
from tests.eventually import eventually
from tests.integration.intake.mail.post import mail_of
from tests.integration.intake.office import Tape, name_of
from tests.integration.intake.processes import clone, intake_process
from tests.integration.intake.trips.crowd import Crowd
from tests.keys import token
from tests.system import System, Templates, start
from tests.unit.intake.adapters.hooks.signing import BASE

KILLS = 5
SEED = 4

_MESSAGES = text("SELECT trim(text_new, E' \n') AS word, ticket_id FROM message")
_WAITING = text("SELECT count(*) FROM raw WHERE state = 'received'")


def parsers_of(pid: int) -> list[int]:
    """The parsers of a process of intake."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for of_thread in listed for child in of_thread.read_text().split()]
    return [pid for pid in children if b"parser_process" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def messages(system: System, workspace_id: str) -> list[tuple[str, object]]:
    """The word of each message and its ticket, once nothing waits any more."""

    async def unit(tx: Tx) -> list[tuple[str, object]]:
        assert (await tx.execute(_WAITING)).scalar_one() == 0
        return [(row.word, row.ticket_id) for row in await tx.execute(_MESSAGES)]

    database = system.services["intake"].runtime.database
    return list(await eventually(lambda: database.transact(unit, workspaces=[workspace_id]), within_s=30))


@pytest.mark.timeout(300)
async def test_nothing_that_was_acknowledged_is_lost_or_doubled(
    stack: Stack, templates: Templates, tmp_path: Path, workspace_id: str
) -> None:
    database = await clone(stack, templates, "kills")
    chance, crowd = Random(SEED), Crowd(workspace_id, SEED)
    settings = {"blob_folder": str(tmp_path / "blobs"), "blob_row_max_bytes": "0", "public_url": BASE}
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
                    kill_one(parsers_of(child.pid), chance)
                await crowd.reached(len(crowd.taken) + chance.randint(1, 20))
                await asyncio.sleep(chance.random() / 50)
                child.signal(signal.SIGKILL)
        async with start(stack, ("intake",), smtp_port=0, **settings, **common) as system:  # type: ignore[arg-type] # as written above
            crowd.http = int(system.url("intake").rpartition(":")[2])
            crowd.smtp = mail_of(system).listeners.ports["smtp"]
            await crowd.reached(len(crowd.taken) + 50)
            crowd.is_over = True
            assert running is not None
            await running
            await must_hold(system, stack, crowd)


async def configure(crowd: Crowd) -> None:
    async with client(crowd.url, bearer=token(crowd.workspace_id)) as http:
        body = {"channels": crowd.channels}
        answer = await http.put("/v1/configuration", json=body, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text


def kill_one(pids: list[int], chance: Random) -> None:
    if pids:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(pids), signal.SIGKILL)


async def must_hold(system: System, stack: Stack, crowd: Crowd) -> None:
    """What was taken is there once: its message, its ticket, its file, and its events."""
    http = await system.http("intake", crowd.workspace_id)
    await messages(system, crowd.workspace_id)
    # What was being read by a parser that was killed is quarantined, for a person to look at.
    aside = (await http.get("/v1/quarantine", params={"limit": 200})).json()["items"]
    assert all(item["reason"].startswith("the parser ") for item in aside), aside
    for item in aside:
        answer = await http.post(f"/v1/quarantine/{item['id']}/release")
        assert answer.status_code == 201, answer.text
    found = await messages(system, crowd.workspace_id)
    assert Counter(word for word, _ in found) - Counter(crowd.taken) == Counter()
    assert Counter(crowd.taken) - Counter(word for word, _ in found) == Counter()
    tickets = dict(found)
    assert len(set(tickets.values())) == len(crowd.taken)
    for word in Random(SEED).sample(sorted(crowd.files), 20):
        ticket = f"/v1/tickets/{tickets[word]}"
        (_, entry) = (await http.get(f"{ticket}/timeline")).json()["items"]
        (file,) = entry["message"]["attachments"]
        assert (await http.get(f"{ticket}/attachments/{file['attachment_id']}")).content == crowd.files[word]
    await eventually(lambda: are_told(stack, crowd.workspace_id, {f"ticket/{it}" for it in tickets.values()}))


async def are_told(stack: Stack, workspace_id: str, subjects: set[str]) -> bool:
    """Whether each ticket was told of, and nothing told twice but under the same id."""
    reader = Reader(stack.kafka.bootstrap, topics=[TICKETS], topic_prefix="kills", group="tests")
    await reader.start()
    try:
        events = await Tape(reader).events(workspace_id)
    finally:
        await reader.stop()
    told = {(event.subject, event.sequence, name_of(event)): event.id for event in events}
    assert set(told.values()) == {event.id for event in events}
    names = ("ticket.opened", "ticket.message_received")
    assert set(told) == {(subject, number, name) for subject in subjects for number, name in enumerate(names, 1)}
    return True
