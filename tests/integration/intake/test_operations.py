"""Snapshots, revocations, and closing what was solved."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from shared.events.access import AccessRevokedV1
from shared.events.catalog import ACCESS, TICKETS
from shared.events.tickets import TicketSnapshotV1, TicketStatusChangedV1
from shared.kafka.client import Producer, Reader
from tests.eventually import eventually
from tests.integration.intake.office import Office, Tape, name_of, refused
from tests.system import System, Templates, start


async def test_a_snapshot_tells_every_ticket_as_it_stands_and_numbers_go_on(office: Office) -> None:
    one = await office.open_ticket(labels={"product": "shop"})
    batch = [office.message(sender={"handle": f"c{number}"}) for number in range(600)]
    assert (await office.http.post("/v1/messages/batch", json=batch)).is_success
    await office.reply(one, status="solved")
    answer = await office.http.post("/v1/snapshots")
    assert (answer.status_code, answer.json()) == (202, {"published": 601})
    await office.send(ticket_id=one)

    async def probe() -> list[object]:
        events = [event for event in await office.everything_told() if one in event.subject]
        assert [name_of(event) for event in events[-1:]] == ["ticket.status_changed"]
        return list(events)

    await eventually(probe)
    events = [event for event in await office.everything_told() if one in event.subject]
    assert [(name_of(event), event.sequence) for event in events] == [
        ("ticket.opened", 1),
        ("ticket.message_received", 2),
        ("ticket.reply_sent", 3),
        ("ticket.status_changed", 4),
        ("ticket.status_changed", 5),
        ("ticket.snapshot", 5),
        ("ticket.message_received", 6),
        ("ticket.status_changed", 7),
    ]
    snapshot = events[5]
    assert isinstance(snapshot.data, TicketSnapshotV1)
    assert (snapshot.data.status, snapshot.data.facts.labels) == ("solved", {"product": "shop"})
    assert snapshot.data.first_replied_at is not None
    assert snapshot.time == events[4].time
    told = await office.everything_told()
    assert len([event for event in told if name_of(event) == "ticket.snapshot"]) == 601


async def test_a_snapshot_with_its_key_is_published_once(office: Office) -> None:
    await office.open_ticket()
    for _ in range(2):
        answer = await office.http.post("/v1/snapshots", headers={"Idempotency-Key": "once"})
        assert (answer.status_code, answer.json()) == (202, {"published": 1})

    async def probe() -> bool:
        names = [name_of(event) for event in await office.everything_told()]
        assert names == ["ticket.opened", "ticket.message_received", "ticket.snapshot"]
        return True

    await eventually(probe)


async def test_a_revoked_token_is_refused_at_once_and_told_once(office: Office, intake: System) -> None:
    expires_at = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    body = {"jti": "stolen", "expires_at": expires_at.isoformat()}
    answers = [await office.http.post("/v1/revocations", json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert answers[0].json() == answers[1].json()

    async def probe() -> AccessRevokedV1:
        (event,) = await office.everything_told("access")
        assert (event.subject, event.sequence) == ("token/stolen", 1)
        assert isinstance(event.data, AccessRevokedV1)
        return event.data

    data = await eventually(probe)
    assert (data.jti, data.expires_at) == ("stolen", expires_at)


@pytest.mark.parametrize("jti", ["", "with space", "line\nbreak", "x" * 201])
async def test_a_token_id_that_is_none_is_refused(office: Office, jti: str) -> None:
    body = {"jti": jti, "expires_at": "2030-01-01T00:00:00Z"}
    refused(await office.http.post("/v1/revocations", json=body), 422, "invalid-request")


@pytest.fixture
async def traveller(
    stack: Stack, templates: Templates, tmp_path: Path, workspace_id: str
) -> AsyncIterator[Office]:
    """An office whose clock may be moved."""
    setting = {"prefix": "traveller", "templates": templates, "folder": tmp_path}
    async with start(stack, ("intake",), **setting) as system:  # type: ignore[arg-type] # as start takes them
        reader = Reader(stack.kafka.bootstrap, topics=[TICKETS, ACCESS], topic_prefix="traveller", group="tests")
        producer = Producer(stack.kafka.bootstrap, topic_prefix="traveller")
        await reader.start()
        yield await Office.open(system, producer, Tape(reader), workspace_id)
        await reader.stop()
        await producer.close()


async def test_solved_tickets_are_closed_when_nobody_comes_back(traveller: Office) -> None:
    office = traveller
    await office.configure(
        channels=[{"id": "api", "kind": "api"}, {"id": "shop", "kind": "chat", "close_after": "1h"}]
    )
    soon = await office.open_ticket(channel="shop")
    later = await office.open_ticket()
    reopened = await office.open_ticket(channel="shop")
    for ticket_id in (soon, later, reopened):
        await office.change(ticket_id, status="solved")
    assert (await office.send(ticket_id=reopened))["disposition"] == "reopened"
    solved = await office.ticket(later)
    assert _gap(solved["solved_at"], solved["close_due_at"]) == timedelta(days=4)
    await office.system.travel(timedelta(minutes=61))
    await office.until(soon, status="closed")
    assert (await office.ticket(later))["status"] == "solved"
    assert (await office.ticket(reopened))["status"] == "open"
    *_, event = await office.told(
        soon,
        *("ticket.opened", "ticket.message_received", "ticket.status_changed", "ticket.status_changed"),
    )
    assert isinstance(event.data, TicketStatusChangedV1)
    assert (event.data.cause, event.data.actor_kind) == ("closed_after", "system")
    await office.system.travel(timedelta(days=4))
    await office.until(later, status="closed")
    continued = await office.send(ticket_id=soon)
    assert continued["disposition"] == "opened"


def _gap(start: str, end: str) -> timedelta:
    return datetime.fromisoformat(end) - datetime.fromisoformat(start)
