"""Replies, notes, merges."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from shared.db.unit_of_work import Tx
from shared.events.tickets import ReplySentV1, TicketMergedV1, TicketStatusChangedV1
from tests.integration.intake.office import Office, refused, shown
from tests.system import System

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def deliveries(system: System, workspace_id: str) -> list[tuple[str, str, int]]:
    """Rows that wait to leave: message, state, attempts."""

    async def unit(tx: Tx) -> list[tuple[str, str, int]]:
        rows = await tx.execute(text("SELECT message_id, state, attempts FROM delivery ORDER BY message_id"))
        return [(str(row.message_id), row.state, row.attempts) for row in rows]

    database = system.services["intake"].runtime.database
    return await database.transact(unit, workspaces=[workspace_id])


async def assign(office: Office, ticket_id: str, agent: str, name: str = "t") -> None:
    """As the router does."""
    await office.tell_about(
        ticket_id, office.scribe.queued(name, NOW), office.scribe.assigned(name, NOW, agent=agent)
    )
    await office.until(ticket_id, assignee_id=agent)


async def test_an_agents_answer_is_stored_and_told(office: Office) -> None:
    ticket_id = await office.open_ticket()
    receipt = await office.reply(ticket_id, html="<p>It is on its way.</p>", author_id="ada")
    message = receipt["message"]
    assert (message["kind"], message["purpose"], message["author_kind"]) == ("outbound", "reply", "agent")
    assert (message["author_id"], message["is_public"], message["text"]) == ("ada", True, "It is on its way.")
    assert (receipt["delivery"]["state"], receipt["ticket_status"]) == ("none", "open")
    ticket = await office.ticket(ticket_id)
    assert (ticket["status"], ticket["first_replied_at"]) == ("open", message["created_at"])
    *_, replied, status = await office.told(
        ticket_id,
        *("ticket.opened", "ticket.message_received", "ticket.reply_sent", "ticket.status_changed"),
    )
    assert isinstance(replied.data, ReplySentV1)
    assert isinstance(status.data, TicketStatusChangedV1)
    assert (replied.data.author_kind, replied.data.purpose, replied.data.author_id) == ("agent", "reply", "ada")
    assert (status.data.cause, status.data.actor_kind, status.data.actor_id) == ("agent_replied", "agent", "ada")
    shown_again = await office.http.get(f"/v1/messages/{message['message_id']}")
    assert shown_again.json() == message
    assert shown_again.headers["etag"]


async def test_an_answer_may_set_the_status_with_it(office: Office) -> None:
    ticket_id = await office.open_ticket()
    assert (await office.reply(ticket_id, status="pending"))["ticket_status"] == "pending"
    assert (await office.reply(ticket_id, status="solved"))["ticket_status"] == "solved"
    assert (await office.ticket(ticket_id))["close_due_at"] is not None
    url = f"/v1/tickets/{ticket_id}/replies"
    refused(await office.http.post(url, json={"text": "x", "status": "pending"}), 409, "illegal-transition")
    assert len(await office.timeline(ticket_id)) == 7


async def test_a_bots_answer_is_no_agents(office: Office) -> None:
    ticket_id = await office.open_ticket()
    await office.reply(ticket_id, author_kind="bot", author_id="helper")
    ticket = await office.ticket(ticket_id)
    assert (ticket["status"], ticket["first_replied_at"]) == ("new", None)


async def test_an_answer_to_mail_waits_to_be_delivered(office: Office, intake: System) -> None:
    channel = {"id": "mail", "kind": "email"}
    address: dict[str, Any] = {"address": f"support@{office.workspace_id}.example"}
    await office.configure(channels=[{"id": "api", "kind": "api"}, {**channel, **address}])
    ticket_id = await office.open_ticket(channel="mail")
    receipt = await office.reply(ticket_id)
    assert receipt["delivery"]["state"] in ("queued", "failed", "sent")
    rows = await deliveries(intake, office.workspace_id)
    assert [row[0] for row in rows] == [receipt["message"]["message_id"]]
    await office.http.post(f"/v1/tickets/{ticket_id}/notes", json={"text": "x"})
    assert len(await deliveries(intake, office.workspace_id)) == 1


async def test_a_note_is_nobodys_business_but_the_staffs(office: Office) -> None:
    ticket_id = await office.open_ticket()
    before = await office.ticket(ticket_id)
    answer = await office.http.post(f"/v1/tickets/{ticket_id}/notes", json={"text": "Rude customer"})
    assert answer.status_code == 201
    assert (answer.json()["kind"], answer.json()["is_public"]) == ("note", False)
    assert await office.ticket(ticket_id) == before
    await office.told(ticket_id, "ticket.opened", "ticket.message_received")
    entry = (await office.timeline(ticket_id))[-1]
    assert (entry["kind"], entry["message"]["text"]) == ("note", "Rude customer")


async def test_an_agents_own_token_changes_the_agents_own_tickets(office: Office) -> None:
    mine = await office.open_ticket()
    other = await office.open_ticket()
    await assign(office, mine, "ada", "mine")
    await assign(office, other, "grace", "other")
    ada = await office.tool("agents:self", subject="ada")
    for method, path, body in [
        ("PATCH", "", {"priority": "high"}),
        ("POST", "/replies", {"text": "x"}),
        ("POST", "/notes", {"text": "x"}),
    ]:
        assert (await ada.request(method, f"/v1/tickets/{mine}{path}", json=body)).is_success
        refused(await ada.request(method, f"/v1/tickets/{other}{path}", json=body), 403, "not-allowed")
    as_another = await ada.post(f"/v1/tickets/{mine}/replies", json={"text": "x", "author_id": "grace"})
    refused(as_another, 403, "not-allowed")
    refused(await ada.post(f"/v1/tickets/{mine}/merge", json={"into": other}), 403, "not-allowed")
    events = [event.data for event in await office.everything_told()]
    assert [event.author_id for event in events if isinstance(event, ReplySentV1)] == ["ada"]


async def test_a_merged_ticket_goes_up_in_the_other(office: Office) -> None:
    source = await office.open_ticket(text="first", sender={"email": "grace@example.org"})
    target = await office.open_ticket(text="second")
    answer = await office.http.post(f"/v1/tickets/{source}/merge", json={"into": target})
    assert answer.status_code == 200, answer.text
    merged = answer.json()["source"]
    assert (merged["status"], merged["merged_into"]) == ("closed", target)
    assert answer.json()["target"]["status"] == "new"
    *_, event = await office.told(source, "ticket.opened", "ticket.message_received", "ticket.merged")
    assert isinstance(event.data, TicketMergedV1)
    assert (str(event.data.target_ticket_id), event.data.previous) == (target, "new")
    await office.told(target, "ticket.opened", "ticket.message_received")
    assert shown(await office.timeline(target)) == ["first", "ticket.opened", "second", "ticket.merged"]
    assert shown(await office.timeline(source)) == ["ticket.opened", "first", "ticket.merged"]


async def test_messages_to_a_merged_ticket_reach_the_last_of_the_chain(office: Office) -> None:
    tickets = [await office.open_ticket() for _ in range(4)]
    for source, into in ((0, 1), (1, 2)):
        url = f"/v1/tickets/{tickets[source]}/merge"
        assert (await office.http.post(url, json={"into": tickets[into]})).status_code == 200
    assert (await office.send(ticket_id=tickets[0]))["ticket_id"] == tickets[2]
    answer = await office.http.post(f"/v1/tickets/{tickets[3]}/merge", json={"into": tickets[0]})
    assert answer.json()["source"]["merged_into"] == tickets[2]
    texts = shown([entry for entry in await office.timeline(tickets[2]) if entry["kind"] == "message"])
    assert texts == ["Help 1", "Help 2", "Help 3", "Help 4", "Help 5"]


async def test_what_cannot_be_merged_is_refused(office: Office, intake: System) -> None:
    one, other = await office.open_ticket(), await office.open_ticket()
    url = f"/v1/tickets/{one}/merge"
    refused(await office.http.post(url, json={"into": one}), 409, "illegal-transition")
    stranger = await intake.http("intake", f"{office.workspace_id}-other")
    body = office.message()
    foreign = (await stranger.post("/v1/messages", json=body)).json()["ticket_id"]
    refused(await office.http.post(url, json={"into": foreign}), 404, "not-found")
    assert (await office.http.post(url, json={"into": other})).status_code == 200
    refused(await office.http.post(url, json={"into": other}), 409, "illegal-transition")
    back = await office.http.post(f"/v1/tickets/{other}/merge", json={"into": one})
    refused(back, 409, "illegal-transition")
    closed = await office.open_ticket()
    await office.change(other, status="solved")
    await office.change(other, status="closed")
    refused(await office.http.post(f"/v1/tickets/{closed}/merge", json={"into": other}), 409, "illegal-transition")
