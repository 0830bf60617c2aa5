"""What one workspace has, no other sees, changes or learns of: on every route that takes an id."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.intake.office import Json, Office, shown
from tests.system import System

BODIES: dict[str, Any] = {
    "reply_to_ticket": {"text": "x"},
    "note_on_ticket": {"text": "x"},
    "merge_ticket": {"into": "{ticket_id}"},
    "change_ticket": {"priority": "high"},
    "update_customer": {"name": "x"},
    "merge": {"into": "{customer_id}"},
    "type_to_ticket": {"author_id": "x"},
    "read_ticket": {"message_id": "{message_id}"},
}


def operations(document: Json) -> Iterator[tuple[str, str, str]]:
    """Method, path and name of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation["operationId"]


async def things(office: Office) -> dict[str, str]:
    """An id of everything that has one."""
    ticket_id = await office.open_ticket(sender={"email": "secret@example.org"}, text="secret")
    reply = await office.reply(ticket_id, "secret")
    ticket = await office.ticket(ticket_id)
    return {
        "ticket_id": ticket_id,
        "message_id": reply["message"]["message_id"],
        "customer_id": ticket["customer_id"],
    }


async def test_another_workspaces_ids_are_not_found_on_any_route(office: Office, intake: System) -> None:
    ids = await things(office)
    before = await office.ticket(ids["ticket_id"])
    stranger = await intake.http("intake", f"{office.workspace_id}-stranger")
    mine = (await stranger.post("/v1/messages", json=office.message())).json()["ticket_id"]
    document = (await stranger.get("/openapi.json")).json()
    tried = set()
    for method, path, name in operations(document):
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        if not names or not set(names) <= set(ids):
            continue
        tried.add(name)
        body = {key: value.format(**ids) for key, value in BODIES.get(name, {}).items()}
        theirs = await stranger.request(method, path.format(**ids), json=body or None)
        nobodys = await stranger.request(
            method, path.format(**dict.fromkeys(ids, "01900000-0000-7000-8000-000000000000")), json=body or None
        )
        assert theirs.status_code == 404, f"{method} {path}: {theirs.text}"
        assert theirs.content == nobodys.content
    assert tried >= {*BODIES, "show_ticket", "show_timeline", "stream_ticket", "show_message", "show_customer"}
    merged = await stranger.post(f"/v1/tickets/{mine}/merge", json={"into": ids["ticket_id"]})
    assert merged.status_code == 404
    assert await office.ticket(ids["ticket_id"]) == before
    assert "secret" in shown(await office.timeline(ids["ticket_id"]))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/tickets",
        "/v1/tickets?text=secret",
        "/v1/tickets?number=1",
        "/v1/customers",
        "/v1/customers?identity=secret@example.org",
        "/v1/parked",
    ],
)
async def test_no_list_shows_another_workspaces_things(office: Office, intake: System, path: str) -> None:
    ids = await things(office)
    stranger = await intake.http("intake", f"{office.workspace_id}-stranger")
    for query in ("", f"customer={ids['customer_id']}", "status=open"):
        answer = await stranger.get(f"{path}{'&' if '?' in path else '?'}{query}")
        assert answer.json()["items"] == []


async def test_a_cursor_of_another_workspace_opens_nothing(office: Office, intake: System) -> None:
    for _ in range(3):
        await things(office)
    stranger = await intake.http("intake", f"{office.workspace_id}-stranger")
    for path in ("/v1/tickets", "/v1/customers"):
        cursor = (await office.http.get(path, params={"limit": 1})).json()["next_cursor"]
        answer = await stranger.get(path, params={"cursor": cursor}) if cursor else None
        assert answer is None or answer.json()["items"] == []


async def test_two_workspaces_number_their_tickets_each_for_itself(office: Office, intake: System) -> None:
    await office.open_ticket()
    stranger = await intake.http("intake", f"{office.workspace_id}-stranger")
    receipt = (await stranger.post("/v1/messages", json=office.message())).json()
    assert receipt["ticket_number"] == 1
