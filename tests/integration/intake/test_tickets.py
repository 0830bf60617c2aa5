"""`/v1/tickets`: found, shown, changed."""

from typing import Any

import pytest

from shared.events.tickets import TicketStatusChangedV1, TicketUpdatedV1
from tests.integration.intake.office import Json, Office, refused

UNKNOWN = "01900000-0000-7000-8000-000000000000"


async def found(office: Office, **params: Any) -> list[int]:
    """The numbers of the tickets that a filter finds, in their order."""
    answer = await office.http.get("/v1/tickets", params={"limit": 200, **params})
    assert answer.status_code == 200, answer.text
    return [item["number"] for item in answer.json()["items"]]


async def test_tickets_are_listed_newest_first_and_found_by_what_they_are(office: Office) -> None:
    await office.configure(channels=[{"id": "api", "kind": "api"}, {"id": "shop", "kind": "chat"}])
    one = await office.open_ticket(priority="high", labels={"product": "a", "team": "x"})
    two = await office.open_ticket(channel="shop", labels={"product": "a:b"})
    three = await office.open_ticket(sender={"email": "grace@example.org"}, priority="low")
    await office.change(two, status="pending")
    await office.change(three, status="solved")
    customer = (await office.ticket(one))["customer_id"]
    opened_at = (await office.ticket(two))["opened_at"]
    assert await found(office) == [3, 2, 1]
    assert await found(office, number=2) == [2]
    assert await found(office, status="new") == [1]
    assert await found(office, status=["new", "solved"]) == [3, 1]
    assert await found(office, priority=["high", "low"]) == [3, 1]
    assert await found(office, channel="shop") == [2]
    assert await found(office, customer=customer) == [2, 1]
    assert await found(office, customer=customer, status=["new", "open"]) == [1]
    assert await found(office, label="product:a") == [1]
    assert await found(office, label=["product:a", "team:x"]) == [1]
    assert await found(office, label="product:a:b") == [2]
    assert await found(office, label=["product:a", "team:y"]) == []
    assert await found(office, label=["product:b", "product:a"]) == []
    assert await found(office, opened_after=opened_at) == [3, 2]
    assert await found(office, opened_before=opened_at) == [1]
    assert await found(office, queue="billing") == []
    assert await found(office, assignee="nobody") == []


async def test_tickets_are_found_by_words_of_their_subject_and_messages(office: Office) -> None:
    await office.open_ticket(subject="Größe der Schuhe", text="Passt nicht.")
    two = await office.open_ticket(subject="注文番号12", text="まだ届かない")
    three = await office.open_ticket(subject="Late parcel", text="Where is my order?")
    await office.send(ticket_id=three, text="The SHOES are red")
    await office.reply(three, "We look for the courier")
    await office.http.post(f"/v1/tickets/{three}/notes", json={"text": "probably lost"})
    await office.change(two, subject="Renamed parcel")
    assert await found(office, text="grosse SCHUHE") == [1]
    assert await found(office, text="届かない") == [2]
    assert await found(office, text="parcel") == [3, 2]
    assert await found(office, text="parcel", status="new") == [2]
    assert await found(office, text="shoes red") == [3]
    assert await found(office, text="courier") == [3]
    assert await found(office, text="lost") == [3]
    assert await found(office, text="parcel shoes") == []
    assert await found(office, text="!!!") == []
    assert await found(office, text="%' OR 1=1 --") == []


async def test_pages_neither_skip_nor_repeat_while_tickets_are_opened(office: Office) -> None:
    for _ in range(7):
        await office.open_ticket()
    numbers: list[int] = []
    cursor = None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await office.http.get("/v1/tickets", params=params)).json()
        numbers += [item["number"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await office.open_ticket()
    assert numbers == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    "params",
    [
        {"status": "gone"},
        {"number": "0"},
        {"number": str(2**63)},
        {"label": "nocolon"},
        {"label": "a:\0"},
        {"queue": "A B"},
        {"assignee": "a\0"},
        {"text": "a\0b"},
        {"text": ""},
        {"customer": "x"},
        {"limit": "0"},
        {"limit": "201"},
        {"opened_after": "yesterday"},
        {"cursor": "x" * 501},
    ],
)
async def test_a_filter_that_is_none_is_invalid(office: Office, params: dict[str, str]) -> None:
    refused(await office.http.get("/v1/tickets", params=params), 422, "invalid-request")


@pytest.mark.parametrize("cursor", ["", "x", "bnVsbA", "WyJhIl0", "WzFdWzJd", "WzEsMl0", "W3RydWVd", "WzFlOTlf"])
async def test_a_cursor_that_is_not_ours_is_invalid(office: Office, cursor: str) -> None:
    for path in ("/v1/tickets", "/v1/customers", f"/v1/tickets/{await office.open_ticket()}/timeline"):
        refused(await office.http.get(path, params={"cursor": cursor}), 422, "invalid-input")


async def test_a_ticket_is_changed_by_hand_and_tells_what_others_decide_by(office: Office) -> None:
    ticket_id = await office.open_ticket(labels={"product": "shop", "area": "north"})
    changed = await office.change(
        ticket_id,
        status="on_hold",
        priority="urgent",
        labels={"area": None, "team": "red"},
        subject="Order 12",
    )
    assert (changed["status"], changed["priority"], changed["subject"]) == ("on_hold", "urgent", "Order 12")
    assert changed["labels"] == {"product": "shop", "team": "red"}
    *_, updated, status = await office.told(
        ticket_id,
        *("ticket.opened", "ticket.message_received", "ticket.updated", "ticket.status_changed"),
    )
    assert isinstance(updated.data, TicketUpdatedV1)
    assert isinstance(status.data, TicketStatusChangedV1)
    assert updated.data.changed == ("priority", "labels")
    assert updated.data.facts.labels == {"product": "shop", "team": "red"}
    assert (status.data.previous, status.data.status, status.data.actor_id) == ("new", "on_hold", "tests")


async def test_changing_nothing_tells_nothing(office: Office) -> None:
    ticket_id = await office.open_ticket(subject="Help")
    before = await office.ticket(ticket_id)
    assert await office.change(ticket_id) == before
    assert await office.change(ticket_id, subject="Help") == before
    await office.told(ticket_id, "ticket.opened", "ticket.message_received")


async def test_an_agent_takes_only_the_steps_of_the_table(office: Office) -> None:
    ticket_id = await office.open_ticket()
    url = f"/v1/tickets/{ticket_id}"
    refused(await office.http.patch(url, json={"status": "new"}), 422, "invalid-request")
    refused(await office.http.patch(url, json={"status": "closed"}), 409, "illegal-transition")
    await office.change(ticket_id, status="solved")
    refused(await office.http.patch(url, json={"status": "pending"}), 409, "illegal-transition")
    await office.change(ticket_id, status="closed")
    for patch in ({"status": "open"}, {"priority": "high"}, {"labels": {"a": "b"}}, {"subject": "x"}):
        refused(await office.http.patch(url, json=patch), 409, "illegal-transition")
    for path in ("replies", "notes"):
        refused(await office.http.post(f"{url}/{path}", json={"text": "x"}), 409, "illegal-transition")


async def test_a_change_may_say_which_version_it_has_seen(office: Office) -> None:
    ticket_id = await office.open_ticket()
    url = f"/v1/tickets/{ticket_id}"
    seen = (await office.http.get(url)).headers["etag"]
    first = await office.http.patch(url, json={"priority": "high"}, headers={"If-Match": seen})
    assert first.status_code == 200
    assert first.headers["etag"] != seen
    late = await office.http.patch(url, json={"priority": "low"}, headers={"If-Match": seen})
    refused(late, 412, "precondition-failed")
    assert (await office.ticket(ticket_id))["priority"] == "high"
    for tags in ("*", f'"99", {first.headers["etag"]}'):
        answer = await office.http.patch(url, json={"subject": tags}, headers={"If-Match": tags})
        assert answer.status_code in (200, 412)
    refused(
        await office.http.patch(url, json={"priority": "low"}, headers={"If-Match": "x"}),
        412,
        "precondition-failed",
    )


async def test_a_ticket_has_at_most_fifty_labels(office: Office) -> None:
    ticket_id = await office.open_ticket(labels={f"label-{number}": "x" for number in range(50)})
    answer = await office.http.patch(f"/v1/tickets/{ticket_id}", json={"labels": {"one-more": "x"}})
    refused(answer, 422, "invalid-input")
    changed = await office.change(ticket_id, labels={"one-more": "x", "label-0": None})
    assert len(changed["labels"]) == 50


async def test_labels_that_rules_have_set_beyond_fifty_can_be_taken_away(office: Office) -> None:
    rules = [
        {"name": name, "when": "true", "labels": {f"{name}-{number}": "x" for number in range(30)}}
        for name in ("one", "two")
    ]
    await office.configure(rules=rules)
    ticket_id = await office.open_ticket()
    await office.configure()
    changed = await office.change(ticket_id, labels={"one-0": None})
    assert len(changed["labels"]) == 59
    answer = await office.http.patch(f"/v1/tickets/{ticket_id}", json={"labels": {"one-more": "x"}})
    refused(answer, 422, "invalid-input")


async def test_what_is_not_there_is_not_found(office: Office) -> None:
    for method, path, body in [
        ("GET", "", None),
        ("PATCH", "", {"priority": "high"}),
        ("POST", "/replies", {"text": "x"}),
        ("POST", "/notes", {"text": "x"}),
        ("POST", "/merge", {"into": UNKNOWN}),
        ("GET", "/timeline", None),
        ("GET", "/stream", None),
    ]:
        answer = await office.http.request(method, f"/v1/tickets/{UNKNOWN}{path}", json=body)
        refused(answer, 404, "not-found")
        refused(await office.http.request(method, f"/v1/tickets/x{path}", json=body), 422, "invalid-request")
    refused(await office.http.get(f"/v1/messages/{UNKNOWN}"), 404, "not-found")
    refused(await office.http.get("/v1/nowhere"), 404, "not-found")
    refused(await office.http.delete(f"/v1/tickets/{UNKNOWN}"), 405, "method-not-allowed")


async def test_who_may_not_is_told_so(office: Office) -> None:
    ticket_id = await office.open_ticket()
    nobody = await office.tool("metrics:read")
    reader = await office.tool("tickets:read")
    calls: list[tuple[str, str, Json | None]] = [
        ("GET", "/v1/tickets", None),
        ("GET", f"/v1/tickets/{ticket_id}", None),
        ("GET", f"/v1/tickets/{ticket_id}/timeline", None),
        ("GET", f"/v1/tickets/{ticket_id}/stream", None),
        ("PATCH", f"/v1/tickets/{ticket_id}", {"priority": "high"}),
        ("POST", f"/v1/tickets/{ticket_id}/replies", {"text": "x"}),
        ("POST", f"/v1/tickets/{ticket_id}/notes", {"text": "x"}),
        ("POST", f"/v1/tickets/{ticket_id}/merge", {"into": UNKNOWN}),
        ("POST", "/v1/messages", office.message()),
        ("POST", "/v1/messages/batch", None),
        ("GET", "/v1/customers", None),
        ("POST", "/v1/customers", {}),
        ("POST", "/v1/snapshots", None),
        ("POST", "/v1/revocations", {"jti": "x", "expires_at": "2030-01-01T00:00:00Z"}),
        ("GET", "/v1/configuration", None),
    ]
    for method, path, body in calls:
        refused(await nobody.request(method, path, json=body), 403, "not-allowed")
        if method != "GET":
            refused(await reader.request(method, path, json=body), 403, "not-allowed")
        anonymous = await office.http.request(method, path, json=body, headers={"Authorization": "Bearer x"})
        refused(anonymous, 401, "not-authenticated")
