"""One person behind several identities; and a person who is forgotten."""

import asyncio

from shared.events.tickets import TicketErasedV1, TicketStatusChangedV1, TicketUpdatedV1
from tests.integration.intake.office import Json, Office, name_of
from tests.integration.intake.scan import tables_with

EMAIL = {"kind": "email", "value": "ada@example.org"}
PHONE = {"kind": "phone", "value": "+4930123456"}
CRM = {"kind": "external", "value": "crm-17"}
CANARY = "zyzzyva"


async def identify(office: Office, *identities: Json, **fields: object) -> Json:
    answer = await office.http.post("/v1/customers/identify", json={"identities": identities, **fields})
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


async def test_identities_lead_to_one_customer_who_learns_the_others(office: Office) -> None:
    ticket = await office.ticket(await office.open_ticket())
    known = await identify(office, EMAIL, CRM, name="Ada")
    assert known["customer_id"] == ticket["customer_id"]
    assert (known["name"], known["identities"]) == ("Ada", [EMAIL, CRM])
    fresh = await office.http.post("/v1/customers/identify", json={"identities": [PHONE]})
    assert fresh.status_code == 201
    differ = await office.http.post("/v1/customers/identify", json={"identities": [CRM, PHONE]})
    assert differ.status_code == 409
    assert fresh.json()["customer_id"] in differ.json()["detail"]
    merged = await identify(office, CRM, PHONE, merge=True)
    assert (merged["customer_id"], merged["identities"]) == (known["customer_id"], [EMAIL, CRM, PHONE])


async def test_identifying_at_once_makes_one_customer(office: Office) -> None:
    found = await asyncio.gather(*(identify(office, EMAIL, CRM, language="de") for _ in range(5)))
    assert len({item["customer_id"] for item in found}) == 1


async def test_a_merged_customers_tickets_and_messages_are_the_survivors(office: Office) -> None:
    open_one = await office.open_ticket()
    solved = await office.open_ticket()
    await office.change(solved, status="solved")
    other = await office.open_ticket(sender={"email": "lovelace@example.org"})
    source = (await office.ticket(open_one))["customer_id"]
    target = (await office.ticket(other))["customer_id"]
    await office.http.patch(f"/v1/customers/{target}", json={"tier": "gold"})
    merged = await office.http.post(f"/v1/customers/{source}/merge", json={"into": target})
    assert merged.status_code == 200, merged.text
    assert [item["value"] for item in merged.json()["identities"]] == ["ada@example.org", "lovelace@example.org"]
    for ticket_id in (open_one, solved, other):
        assert (await office.ticket(ticket_id))["customer_id"] == target
    *_, told = await office.told(open_one, "ticket.opened", "ticket.message_received", "ticket.updated")
    assert isinstance(told.data, TicketUpdatedV1)
    assert (told.data.facts.customer.customer_id.hex, told.data.facts.customer.tier) == (
        target.replace("-", ""),
        "gold",
    )
    # The old id is an alias, and what comes from the old address is the survivor's.
    assert (await office.http.get(f"/v1/customers/{source}")).json()["customer_id"] == target
    again = await office.open_ticket()
    assert (await office.ticket(again))["customer_id"] == target
    history = (await office.http.get(f"/v1/customers/{target}/history")).json()["items"]
    assert [(item["action"], item["other_id"]) for item in history] == [("merged", source)]
    twice = await office.http.post(f"/v1/customers/{source}/merge", json={"into": target})
    assert (twice.status_code, twice.json()["type"].rpartition("/")[2]) == (409, "illegal-transition")


async def test_two_merges_in_opposite_directions_leave_one_survivor(office: Office) -> None:
    one = (await identify(office, EMAIL))["customer_id"]
    other = (await identify(office, PHONE))["customer_id"]
    answers = await asyncio.gather(
        office.http.post(f"/v1/customers/{one}/merge", json={"into": other}),
        office.http.post(f"/v1/customers/{other}/merge", json={"into": one}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_an_erased_person_is_nowhere_and_their_tickets_are_closed(office: Office) -> None:
    sender = {"email": f"{CANARY}@example.org", "name": CANARY}
    ticket_id = await office.open_ticket(
        sender=sender, subject=CANARY, text=f"I am {CANARY}", html=f"<b>{CANARY}</b>"
    )
    closed_id = await office.open_ticket(sender=sender)
    for status in ("solved", "closed"):
        await office.http.patch(f"/v1/tickets/{closed_id}", json={"status": status})
    await office.http.post(
        f"/v1/tickets/{ticket_id}/replies",
        json={"text": f"Dear {CANARY}"},
        headers={"Idempotency-Key": "reply-1"},
    )
    await office.http.post(f"/v1/tickets/{ticket_id}/notes", json={"text": f"{CANARY} is upset"})
    customer_id = (await office.ticket(ticket_id))["customer_id"]
    await office.http.patch(f"/v1/customers/{customer_id}", json={"tier": "gold"})
    assert await tables_with(office.system, office.workspace_id, CANARY)
    for _ in range(2):
        gone = await office.http.delete(f"/v1/customers/{customer_id}")
        assert gone.status_code == 204, gone.text
    assert await tables_with(office.system, office.workspace_id, CANARY) == []
    assert CANARY not in str(await office.everything_told())

    shown = (await office.http.get(f"/v1/customers/{customer_id}")).json()
    assert (shown["name"], shown["identities"], shown["tier"]) == (None, [], "gold")
    assert shown["erased_at"] is not None
    ticket = await office.ticket(ticket_id)
    assert (ticket["status"], ticket["subject"], ticket["customer_id"]) == ("closed", "", customer_id)
    told = await office.everything_told()
    closing = [event for event in told if name_of(event) == "ticket.status_changed"]
    # Once for each of their tickets, also for one that had been closed before.
    erased = [event.data.ticket_id for event in told if isinstance(event.data, TicketErasedV1)]
    assert sorted(map(str, erased)) == sorted([ticket_id, closed_id])
    assert isinstance(closing[-1].data, TicketStatusChangedV1)
    assert closing[-1].data.cause == "erased"
    # Whoever writes from that address again is somebody new.
    again = await office.ticket(await office.open_ticket(sender=sender))
    assert again["customer_id"] != customer_id
    assert (await office.http.patch(f"/v1/customers/{customer_id}", json={"name": "x"})).status_code == 409
