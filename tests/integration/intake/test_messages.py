"""`POST /v1/messages`: what becomes of a message."""

import asyncio

import pytest

from shared.events.tickets import MessageReceivedV1, TicketOpenedV1, TicketUpdatedV1
from shared.vocabulary import MachineClass
from tests.eventually import eventually
from tests.integration.intake.office import Office, refused
from tests.system import System

UNKNOWN = "01900000-0000-7000-8000-000000000000"


async def test_a_message_opens_a_ticket_and_says_so_to_everybody(office: Office) -> None:
    receipt = await office.send(
        subject="Order 12", labels={"product": "shop"}, priority="high", sent_at="2026-01-01T10:00:00+02:00"
    )
    assert (receipt["disposition"], receipt["ticket_number"], receipt["reason"]) == ("opened", 1, None)
    opened, received = await office.told(receipt["ticket_id"], "ticket.opened", "ticket.message_received")
    assert isinstance(opened.data, TicketOpenedV1)
    assert isinstance(received.data, MessageReceivedV1)
    assert opened.data.facts.labels == {"product": "shop"}
    assert (opened.data.facts.priority, opened.data.ticket_number) == ("high", 1)
    assert (str(received.data.message_id), received.data.machine) == (receipt["message_id"], MachineClass.NONE)
    ticket = await office.ticket(receipt["ticket_id"])
    assert (ticket["status"], ticket["subject"], ticket["priority"]) == ("new", "Order 12", "high")
    assert ticket["sources"] == {"priority": "sender", "labels/product": "sender"}


async def test_topics_carry_neither_names_nor_addresses_nor_texts(office: Office) -> None:
    ticket_id = await office.open_ticket(
        sender={"email": "canary@canary.example", "name": "Canary Bird"}, subject="canary-1", text="canary-2"
    )
    await office.reply(ticket_id, "canary-3")
    for event in await office.everything_told():
        assert "canary" not in str(event.data).lower()


async def test_a_repeat_gets_the_first_result_and_says_nothing(office: Office) -> None:
    body = office.message(external_id="m-1")
    first = await office.http.post("/v1/messages", json=body)
    again = await office.http.post("/v1/messages", json={**body, "text": "Another text"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**first.json(), "disposition": "duplicate"}
    await office.told(first.json()["ticket_id"], "ticket.opened", "ticket.message_received")


async def test_the_same_external_id_on_another_channel_is_another_message(office: Office) -> None:
    await office.configure(channels=[{"id": "api", "kind": "api"}, {"id": "shop", "kind": "chat"}])
    first = await office.send(external_id="m-1")
    second = await office.send(external_id="m-1", channel="shop")
    assert (second["disposition"], second["ticket_number"]) == ("opened", first["ticket_number"] + 1)


async def test_a_message_that_names_its_ticket_joins_it(office: Office) -> None:
    ticket_id = await office.open_ticket()
    receipt = await office.send(ticket_id=ticket_id, sender={"email": "grace@example.org"})
    assert (receipt["disposition"], receipt["ticket_id"]) == ("appended", ticket_id)
    await office.told(ticket_id, "ticket.opened", "ticket.message_received", "ticket.message_received")


@pytest.mark.parametrize("status", ["pending", "on_hold"])
async def test_a_customers_message_wakes_a_waiting_ticket(office: Office, status: str) -> None:
    ticket_id = await office.open_ticket()
    await office.change(ticket_id, status=status)
    assert (await office.send(ticket_id=ticket_id))["disposition"] == "appended"
    assert (await office.ticket(ticket_id))["status"] == "open"


async def test_a_customers_message_reopens_a_solved_ticket(office: Office) -> None:
    ticket_id = await office.open_ticket()
    await office.change(ticket_id, status="solved")
    assert (await office.send(ticket_id=ticket_id))["disposition"] == "reopened"
    ticket = await office.ticket(ticket_id)
    assert (ticket["status"], ticket["solved_at"], ticket["close_due_at"]) == ("open", None, None)


async def test_a_closed_ticket_is_continued_by_a_new_one(office: Office) -> None:
    ticket_id = await office.open_ticket()
    await office.change(ticket_id, status="solved")
    await office.change(ticket_id, status="closed")
    receipt = await office.send(ticket_id=ticket_id)
    assert receipt["disposition"] == "opened"
    assert (await office.ticket(receipt["ticket_id"]))["follow_up_of"] == ticket_id


async def test_a_channel_may_open_a_linked_ticket_instead_of_reopening(office: Office) -> None:
    await office.configure(channels=[{"id": "api", "kind": "api", "follow_up": "new_linked"}])
    ticket_id = await office.open_ticket()
    await office.change(ticket_id, status="solved")
    receipt = await office.send(ticket_id=ticket_id)
    assert receipt["disposition"] == "opened"
    assert (await office.ticket(receipt["ticket_id"]))["follow_up_of"] == ticket_id
    assert (await office.ticket(ticket_id))["status"] == "solved"


async def test_a_ticket_that_is_reopened_again_and_again_comes_to_rest(office: Office) -> None:
    ticket_id = await office.open_ticket()
    dispositions = []
    for _ in range(5):
        await office.change(ticket_id, status="solved")
        receipt = await office.send(ticket_id=ticket_id)
        dispositions.append((receipt["disposition"], receipt["reason"]))
    assert dispositions == [("reopened", None)] * 3 + [("appended", "reopened_too_often")] * 2
    ticket = await office.ticket(ticket_id)
    assert (ticket["status"], ticket["labels"]) == ("solved", {"loop_suspected": "true"})
    assert ticket["sources"]["labels/loop_suspected"] == "system"


async def test_whoever_reopens_it_too_often_a_ticket_tells_its_own_customer(office: Office) -> None:
    organisation = {"id": "acme", "domains": ["acme.example"], "tier": "gold"}
    await office.configure(organisations=[organisation])
    ticket_id = await office.open_ticket(sender={"email": "ada@acme.example"})
    reasons = []
    for _ in range(4):
        await office.change(ticket_id, status="solved")
        receipt = await office.send(ticket_id=ticket_id, sender={"email": "grace@example.org"})
        reasons.append(receipt["reason"])
    assert reasons == [None, None, None, "reopened_too_often"]
    ticket = await office.ticket(ticket_id)

    async def updates() -> list[TicketUpdatedV1]:
        events = await office.everything_told()
        return [event.data for event in events if isinstance(event.data, TicketUpdatedV1)]

    (updated,) = await eventually(updates)
    told = updated.facts.customer
    assert (str(told.customer_id), told.tier) == (ticket["customer_id"], "gold")


async def test_a_sender_who_reopens_many_tickets_comes_to_rest(office: Office) -> None:
    tickets = [await office.open_ticket() for _ in range(11)]
    for ticket_id in tickets:
        await office.change(ticket_id, status="solved")
    batch = [office.message(ticket_id=ticket_id) for ticket_id in tickets]
    answer = await office.http.post("/v1/messages/batch", json=batch)
    assert [item["disposition"] for item in answer.json()["items"]] == ["reopened"] * 10 + ["appended"]
    assert (await office.send(ticket_id=tickets[-1]))["disposition"] == "appended"
    other = await office.send(ticket_id=tickets[-1], sender={"email": "grace@example.org"})
    assert other["disposition"] == "reopened"


async def test_what_cannot_be_placed_is_refused(office: Office, intake: System) -> None:
    refused(await office.http.post("/v1/messages", json=office.message(ticket_id=UNKNOWN)), 404, "not-found")
    foreign = await office.open_ticket()
    other = await intake.http("intake", f"{office.workspace_id}-other")
    refused(await other.post("/v1/messages", json=office.message(ticket_id=foreign)), 404, "not-found")
    problem = refused(
        await office.http.post("/v1/messages", json=office.message(channel="fax")), 422, "invalid-input"
    )
    assert problem["errors"] == [{"pointer": "/channel", "detail": "unknown"}]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"email": "Ada@Example.ORG"}, {"email": "Ada@example.org", "name": "Ada"}),
        ({"phone": "+49 30 123456"}, {"phone": "+49(30)123-456"}),
        ({"phone": "030 123456"}, {"phone": "+4930123456"}),
        ({"phone": "72 345"}, {"phone": "72345"}),
        ({"handle": "@ada"}, {"handle": "@ada"}),
    ],
)
async def test_one_sender_is_one_customer_however_they_are_written(
    office: Office, one: dict[str, str], other: dict[str, str]
) -> None:
    await office.configure(channels=[{"id": "api", "kind": "api", "region": "DE"}])
    tickets = [await office.ticket(await office.open_ticket(sender=sender)) for sender in (one, other)]
    assert tickets[0]["customer_id"] == tickets[1]["customer_id"]


async def test_a_name_alone_says_nothing_about_who_it_is(office: Office) -> None:
    tickets = [await office.ticket(await office.open_ticket(sender={"name": "Ada"})) for _ in range(2)]
    assert tickets[0]["customer_id"] != tickets[1]["customer_id"]


async def test_twenty_messages_of_a_new_sender_at_once_are_of_one_customer(office: Office) -> None:
    receipts = await asyncio.gather(*(office.send(external_id=f"m-{number}") for number in range(20)))
    tickets = [await office.ticket(receipt["ticket_id"]) for receipt in receipts]
    assert len({ticket["customer_id"] for ticket in tickets}) == 1
    assert sorted(ticket["number"] for ticket in tickets) == list(range(1, 21))


async def test_the_mail_domain_names_the_organisation_and_its_tier(office: Office) -> None:
    await office.configure(
        organisations=[{"id": "globex", "domains": ["Globex.example"], "tier": "gold", "language": "de"}]
    )
    ticket = await office.ticket(await office.open_ticket(sender={"email": "cfo@globex.EXAMPLE"}))
    (opened, _) = await office.told(ticket["ticket_id"], "ticket.opened", "ticket.message_received")
    assert isinstance(opened.data, TicketOpenedV1)
    facts = opened.data.facts.customer
    assert (facts.tier, facts.language, facts.organisation_id) == ("gold", "de", "globex")
    assert ticket["language"] == "de"


async def test_rules_label_what_opens_and_what_is_labelled_anew(office: Office) -> None:
    await office.configure(
        rules=[
            {"name": "refund", "when": 'message.text.contains("refund")', "labels": {"intent": "refund"}},
            {"name": "urgent", "when": 'message.labels.mood == "angry"', "priority": "urgent"},
        ]
    )
    ticket = await office.ticket(await office.open_ticket(text="I want a refund"))
    assert (ticket["labels"], ticket["priority"]) == ({"intent": "refund"}, "normal")
    assert ticket["sources"] == {"labels/intent": "rule:refund@1"}
    angry = await office.change(ticket["ticket_id"], labels={"mood": "angry", "intent": None})
    assert (angry["labels"], angry["priority"]) == ({"mood": "angry"}, "urgent")
    assert angry["sources"] == {
        "labels/mood": "api:tests",
        "labels/intent": "api:tests",
        "priority": "rule:urgent@1",
    }


async def test_a_condition_that_fails_labels_the_ticket_and_hinders_nothing(office: Office) -> None:
    await office.configure(rules=[{"name": "bad", "when": "int(message.text) > 3", "priority": "urgent"}])
    ticket = await office.ticket(await office.open_ticket(text="not a number"))
    assert (ticket["labels"], ticket["priority"]) == ({"classification": "failed"}, "normal")
