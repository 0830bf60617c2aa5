"""`POST /v1/messages/batch`: many messages in one commit, an outcome each."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from shared.clock import monotonic
from tests.integration.intake.office import Json, Office, refused
from tests.integration.intake.poison import POISON, poisoned
from tests.system import System

URL = "/v1/messages/batch"


async def send(office: Office, *items: Any) -> list[Json]:
    answer = await office.http.post(URL, json=list(items))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def lines(office: Office, *lines: bytes) -> httpx.Response:
    content = b"\n".join(lines)
    return await office.http.post(URL, content=content, headers={"content-type": "application/x-ndjson"})


def dispositions(items: list[Json]) -> list[str]:
    return [item["disposition"] for item in items]


async def test_a_thousand_messages_are_taken_at_once_in_their_order(office: Office) -> None:
    items = await send(office, *(office.message(sender={"handle": f"c{number}"}) for number in range(1000)))
    assert dispositions(items) == ["opened"] * 1000
    assert [item["ticket_number"] for item in items] == list(range(1, 1001))


async def test_as_many_rules_as_there_may_be_hold_up_neither_a_batch_nor_anybody_else(office: Office) -> None:
    condition = (
        'message.subject.contains("{0}") && customer.tier == "gold" || message.text.endsWith("number {0}.")'
    )
    rules = [
        {"name": f"r{number}", "when": condition.format(number), "labels": {"found": str(number)}}
        for number in range(500)
    ]
    await office.configure(rules=rules)
    texts = [f"Help me with number {number}." for number in range(1000)]
    sent = asyncio.create_task(send(office, *(office.message(text=text) for text in texts)))
    longest_s = 0.0
    while not sent.done():
        asked_s = monotonic()
        assert (await office.http.get("/health/live")).status_code == 200
        longest_s = max(longest_s, monotonic() - asked_s)
    items = await sent
    assert dispositions(items) == ["opened"] * 1000
    assert (await office.ticket(items[499]["ticket_id"]))["labels"] == {"found": "499"}
    assert longest_s < 2


async def test_each_message_gets_what_it_would_have_got_alone(office: Office) -> None:
    ticket_id = await office.open_ticket()
    solved = await office.open_ticket()
    await office.change(solved, status="solved")
    first = office.message(external_id="m-1")
    items = await send(
        office,
        first,
        office.message(ticket_id=ticket_id),
        office.message(ticket_id=solved),
        first,
        office.message(channel="fax"),
        office.message(ticket_id="01900000-0000-7000-8000-000000000000"),
        {"channel": "api"},
        "not even a message",
    )
    assert dispositions(items) == ["opened", "appended", "reopened", "duplicate", *["rejected"] * 4]
    assert items[3]["message_id"] == items[0]["message_id"]
    assert items[4]["errors"] == [{"pointer": "/channel", "detail": "unknown"}]
    assert {error["pointer"] for error in items[6]["errors"]} == {"/from", "/text"}
    assert await send(office, first) == [{**items[0], "disposition": "duplicate"}]


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(b"1\n" * 2_000_000, "application/x-ndjson"), (b"[" + b"1," * 2_000_000 + b"1]", "application/json")],
)
async def test_far_too_many_items_are_refused_before_they_are_read(
    office: Office, content: bytes, media_type: str
) -> None:
    answer = await office.http.post(URL, content=content, headers={"content-type": media_type}, timeout=10)
    refused(answer, 422, "invalid-input")


async def test_what_the_database_refuses_fails_alone(stack: Any, intake: System, office: Office) -> None:
    texts = ["one", POISON, "two", "three", POISON, "four"]
    async with poisoned(intake):
        items = await send(office, *(office.message(text=text) for text in texts))
    assert dispositions(items) == ["opened", "rejected", "opened", "opened", "rejected", "opened"]
    assert [item["ticket_number"] for item in items if item["ticket_number"]] == [1, 2, 3, 4]
    assert items[1]["reason"] == "the database refuses a value of it"
    for item in items:
        if item["ticket_id"]:
            await office.told(item["ticket_id"], "ticket.opened", "ticket.message_received")


async def test_lines_of_json_are_read_one_by_one(office: Office) -> None:
    good = json.dumps(office.message()).encode()
    answer = await lines(office, good, b"", b"{broken", b'{"text": "\xff"}', b'{"a": 1, "a": 2}', good, b"")
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert dispositions(items) == ["opened", "rejected", "rejected", "rejected", "opened"]
    assert "position" in items[1]["reason"]


@pytest.mark.parametrize("body", ["[]", "{}", "null", json.dumps([{}] * 1001)])
async def test_what_is_no_batch_is_invalid(office: Office, body: str) -> None:
    answer = await office.http.post(URL, content=body, headers={"content-type": "application/json"})
    refused(answer, 422, "invalid-input")


async def test_a_batch_that_is_no_json_is_malformed_and_another_type_unsupported(office: Office) -> None:
    broken = await office.http.post(URL, content=b"[{]", headers={"content-type": "application/json"})
    refused(broken, 400, "malformed-json")
    csv = await office.http.post(URL, content=b"a,b", headers={"content-type": "text/csv"})
    refused(csv, 415, "unsupported-media-type")


async def test_a_batch_may_be_larger_than_other_bodies_but_not_boundless(office: Office) -> None:
    items = await send(office, *(office.message(text="x" * 400_000) for _ in range(6)))
    assert dispositions(items) == ["opened"] * 6
    answer = await lines(office, *[b"x" * 1_000_000] * 17)
    refused(answer, 413, "too-large")


async def test_a_batch_with_its_key_is_done_once(office: Office) -> None:
    headers = {"Idempotency-Key": "once"}
    body = [office.message(), office.message()]
    first = await office.http.post(URL, json=body, headers=headers)
    again = await office.http.post(URL, json=body, headers=headers)
    assert first.content == again.content
    refused(await office.http.post(URL, json=body[:1], headers=headers), 422, "invalid-input")
    assert len((await office.http.get("/v1/tickets")).json()["items"]) == 2
