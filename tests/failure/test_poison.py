"""Records that nobody can decode, in the midst of others."""

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from shared.events.catalog import shard_of
from shared.events.codec import encode
from shared.events.envelope import Event
from shared.kafka.client import Outgoing, Producer
from shared.vocabulary import TicketStatus
from tests.eventually import eventually
from tests.failure.fleet import LOOK_S, WORKSPACES, Fleet
from tests.failure.load import Load, under_fault
from tests.failure.truth import Truth
from tests.failure.verdict import must_hold
from tests.scribe import Scribe, uid

READERS = ("router", "escalation", "metrics")
# Beside others in its shard, and not among those whose tickets intake has to know.
OUTSIDER = next(
    name for name in (f"outsider-{number}" for number in range(1000)) if shard_of(name) == shard_of(WORKSPACES[0])
)
SET_ASIDE = [(3, "undecodable"), (4, "version_gap"), (5, "version_gap")]


async def test_an_undecodable_record_holds_back_its_subject_alone_until_it_is_settled(
    fleet: Fleet, truth: Truth, producer: Producer
) -> None:
    await fleet.configure(OUTSIDER)
    repaired, given_up = (_history(name) for name in ("repaired", "given-up"))

    async def fault(load: Load) -> None:
        await load.reached(0.3)
        for events in (repaired, given_up):
            await _publish(producer, *events[:2])
            await _publish(producer, events[2], value=b"\x00garbage")
            await _publish(producer, *events[3:])

    load = await under_fault(fleet, fault, 500)
    await must_hold(fleet, truth, load)
    assert truth.unreadable == {(OUTSIDER, events[0].subject) for events in (repaired, given_up)}

    for reader in READERS:
        for events in (repaired, given_up):
            assert [
                (item["sequence"], item["reason"]) for item in await _parked(fleet, reader, events)
            ] == SET_ASIDE
        # A replay does not make it readable, and nothing overtakes it.
        await _ask(fleet, reader, given_up, "replay")
        assert [(item["sequence"], item["reason"]) for item in await _parked(fleet, reader, given_up)] == SET_ASIDE
        await _ask(fleet, reader, given_up, "discard")
    # Its writer publishes what it should have been.
    await _publish(producer, repaired[2])
    for reader in READERS:
        for events in (repaired, given_up):
            await eventually(partial(_is_folded, fleet, reader, events), within_s=30, every_s=LOOK_S)
    await truth.settle()
    for events in (repaired, given_up):
        ticket = str(events[0].data.ticket_id)  # type: ignore[union-attr] # of a ticket
        status = await fleet.rows(
            "metrics", "SELECT status FROM tracked_ticket WHERE ticket_id = $1::uuid", ticket
        )
        assert status == [(None,)]  # solved: no part of the backlog
        state = await fleet.rows("router", "SELECT state FROM work_item WHERE ticket_id = $1::uuid", ticket)
        assert [row for row in state if row[0] in ("queued", "offered", "assigned")] == []


def _history(name: str) -> list[Event]:
    """A ticket that comes, is taken up, waits and is solved."""
    scribe = Scribe(OUTSIDER)
    at = datetime.now(UTC) - timedelta(minutes=1)
    scribe.opened(name, at)
    steps = (TicketStatus.NEW, TicketStatus.OPEN, TicketStatus.PENDING, TicketStatus.SOLVED)
    for number, (previous, status) in enumerate(pairwise(steps)):
        scribe.went(name, at + timedelta(seconds=number), previous, status)
    assert scribe.events[0].subject == f"ticket/{uid(name)}"
    return scribe.events


async def _publish(producer: Producer, *events: Event, value: bytes | None = None) -> None:
    records = [
        Outgoing(
            key=event.workspace_id.encode(),
            value=encode(event) if value is None else value,
            headers=[("subject", event.subject.encode()), ("sequence", str(event.sequence).encode())],
        )
        for event in events
    ]
    await producer.publish("tickets", shard_of(OUTSIDER), records)


async def _parked(fleet: Fleet, reader: str, events: list[Event]) -> list[dict[str, Any]]:
    """What a service has set aside of a subject, in order."""
    async with fleet.http(reader, OUTSIDER) as http:
        answer = await http.get("/v1/parked", params={"limit": "200"})
        assert answer.status_code == 200, answer.text
    found = [item for item in answer.json()["items"] if item["subject"] == events[0].subject]
    return sorted(found, key=lambda item: (item["sequence"], item["id"]))


async def _ask(fleet: Fleet, reader: str, events: list[Event], what: str) -> None:
    """Asks for the first one to be replayed or discarded, and waits until that has been tried."""
    first = (await _parked(fleet, reader, events))[0]
    async with fleet.http(reader, OUTSIDER) as http:
        answer = await http.post(f"/v1/parked/{first['id']}/{what}")
        assert answer.status_code == 202, answer.text

    async def is_done() -> bool:
        return all(item["request"] is None for item in await _parked(fleet, reader, events))

    await eventually(is_done, within_s=30, every_s=LOOK_S)


async def _is_folded(fleet: Fleet, reader: str, events: list[Event]) -> bool:
    rows = await fleet.rows(
        reader,
        "SELECT sequence FROM version WHERE workspace_id = $1 AND subject = $2",
        OUTSIDER,
        events[0].subject,
    )
    assert rows == [(len(events),)]
    assert await _parked(fleet, reader, events) == []
    return True
