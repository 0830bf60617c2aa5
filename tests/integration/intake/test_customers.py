"""`/v1/customers`: who writes to us."""

import asyncio
from typing import Any

import pytest

from shared.events.tickets import TicketUpdatedV1
from tests.integration.intake.office import Json, Office, refused

UNKNOWN = "01900000-0000-7000-8000-000000000000"
EMAIL = {"kind": "email", "value": "ada@example.org"}
PHONE = {"kind": "phone", "value": "+4930123456"}


async def create(office: Office, **fields: object) -> Json:
    answer = await office.http.post("/v1/customers", json=fields)
    assert answer.status_code == 201, answer.text
    assert answer.headers["etag"] == '"1"'
    return dict(answer.json())


async def change(office: Office, customer_id: str, **patch: object) -> Json:
    answer = await office.http.patch(f"/v1/customers/{customer_id}", json=patch)
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    return dict(answer.json())


async def found(office: Office, **params: Any) -> list[str]:
    answer = await office.http.get("/v1/customers", params=params)
    assert answer.status_code == 200, answer.text
    return [item["customer_id"] for item in answer.json()["items"]]


async def test_a_customer_may_be_known_before_they_write(office: Office) -> None:
    await office.configure(organisations=[{"id": "globex", "tier": "gold"}])
    made = await create(
        office,
        name="Ada",
        identities=[{"kind": "email", "value": "ada@Example.org"}, {"kind": "phone", "value": "+49 30 123456"}],
        language="de",
        time_zone="Europe/Berlin",
        organisation_id="globex",
    )
    assert made["identities"] == [EMAIL, PHONE]
    assert (made["tier"], made["organisation_id"], made["time_zone"]) == ("gold", "globex", "Europe/Berlin")
    assert (await office.http.get(f"/v1/customers/{made['customer_id']}")).json() == made
    ticket = await office.ticket(await office.open_ticket(sender={"phone": "+49-30-123456"}))
    assert (ticket["customer_id"], ticket["language"]) == (made["customer_id"], "de")


async def test_customers_belong_to_the_organisation_of_their_mail_domain(office: Office) -> None:
    globex = {"id": "globex", "domains": ["example.org"], "tier": "gold"}
    await office.configure(organisations=[globex, {"id": "acme", "tier": "silver"}])
    made = await create(office, identities=[EMAIL])
    assert (made["organisation_id"], made["tier"]) == ("globex", "gold")
    named = await create(office, identities=[{"kind": "email", "value": "b@example.org"}], organisation_id="acme")
    assert (named["organisation_id"], named["tier"]) == ("acme", "silver")
    caller = await create(office, identities=[PHONE])
    mail = {"kind": "email", "value": "c@example.org"}
    known = await change(office, caller["customer_id"], identities=[PHONE, mail])
    assert (caller["organisation_id"], known["organisation_id"], known["tier"]) == (None, "globex", "gold")
    left = await change(office, caller["customer_id"], organisation_id=None)
    assert (left["organisation_id"], left["tier"]) == (None, "gold")


async def test_customers_are_listed_newest_first_and_found_by_what_they_are_known_by(office: Office) -> None:
    one = (await create(office, identities=[EMAIL, PHONE]))["customer_id"]
    two = (await create(office, identities=[{"kind": "handle", "value": "@Ada"}]))["customer_id"]
    three = (await create(office, name="nobody"))["customer_id"]
    assert await found(office) == [three, two, one]
    assert await found(office, identity="ada@EXAMPLE.org") == [one]
    assert await found(office, identity="+49 (30) 123456") == [one]
    assert await found(office, identity="@Ada") == [two]
    assert await found(office, identity="@ada") == []
    first = (await office.http.get("/v1/customers", params={"limit": 2})).json()
    assert [item["customer_id"] for item in first["items"]] == [three, two]
    assert await found(office, limit=2, cursor=first["next_cursor"]) == [one]


async def test_what_others_decide_by_is_told_for_each_unsolved_ticket(office: Office) -> None:
    tickets = [await office.open_ticket() for _ in range(3)]
    await office.change(tickets[1], status="solved")
    other = await office.open_ticket(sender={"email": "grace@example.org"})
    customer_id = (await office.ticket(tickets[0]))["customer_id"]
    await change(office, customer_id, name="Ada", time_zone="Europe/Berlin")
    changed = await change(office, customer_id, tier="gold", language="de-AT")
    assert (changed["name"], changed["tier"], changed["language"]) == ("Ada", "gold", "de-AT")
    for ticket_id in (tickets[0], tickets[2]):
        *_, updated = await office.told(ticket_id, "ticket.opened", "ticket.message_received", "ticket.updated")
        assert isinstance(updated.data, TicketUpdatedV1)
        facts = updated.data.facts.customer
        assert (updated.data.changed, facts.tier, facts.language) == (("customer",), "gold", "de-AT")
    await office.told(tickets[1], "ticket.opened", "ticket.message_received", "ticket.status_changed")
    await office.told(other, "ticket.opened", "ticket.message_received")


async def test_a_customer_with_very_many_tickets_tells_all_of_them(office: Office) -> None:
    for _ in range(2):
        batch = [office.message() for _ in range(600)]
        assert (await office.http.post("/v1/messages/batch", json=batch)).status_code == 200
    (customer_id,) = await found(office)
    await change(office, customer_id, tier="gold")
    ticket_ids = []
    cursor = None
    while True:
        params = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        page = (await office.http.get("/v1/tickets", params=params)).json()
        ticket_ids += [(item["ticket_id"], item["version"]) for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(ticket_ids) == 1200
    assert {version for _, version in ticket_ids} == {4}


async def test_identities_are_replaced_as_a_whole_and_belong_to_one_customer(office: Office) -> None:
    one = await create(office, identities=[EMAIL])
    other = await create(office, identities=[PHONE])
    changed = await change(office, one["customer_id"], identities=[{"kind": "handle", "value": "@ada"}])
    assert changed["identities"] == [{"kind": "handle", "value": "@ada"}]
    assert await found(office, identity="ada@example.org") == []
    assert (await change(office, other["customer_id"], identities=[PHONE, EMAIL]))["identities"] == [EMAIL, PHONE]
    taken = await office.http.patch(f"/v1/customers/{one['customer_id']}", json={"identities": [EMAIL]})
    refused(taken, 409, "conflict")
    refused(await office.http.post("/v1/customers", json={"identities": [PHONE]}), 409, "conflict")


async def test_null_clears_and_what_is_missing_stays(office: Office) -> None:
    await office.configure(organisations=[{"id": "globex", "tier": "gold"}])
    made = await create(office, name="Ada", language="de", tier="vip", organisation_id="globex")
    customer_id = made["customer_id"]
    assert await change(office, customer_id) == made
    assert (await change(office, customer_id, tier=None))["tier"] == "gold"
    cleared = await change(office, customer_id, name=None, language=None, organisation_id=None, tier=None)
    assert (cleared["name"], cleared["language"], cleared["organisation_id"]) == (None, None, None)
    assert cleared["tier"] == "standard"


async def test_a_change_may_say_which_version_it_has_seen(office: Office) -> None:
    made = await create(office, name="Ada")
    url = f"/v1/customers/{made['customer_id']}"
    assert (await office.http.patch(url, json={"name": "Bea"}, headers={"If-Match": '"1"'})).status_code == 200
    refused(
        await office.http.patch(url, json={"name": "C"}, headers={"If-Match": '"1"'}), 412, "precondition-failed"
    )


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [({"organisation_id": "nowhere"}, "/organisation_id"), ({"time_zone": "Mars/Olympus"}, "/time_zone")],
)
async def test_what_a_customer_refers_to_has_to_be_there(
    office: Office, fields: dict[str, str], pointer: str
) -> None:
    made = await create(office, name="Ada")
    for answer in (
        await office.http.post("/v1/customers", json=fields),
        await office.http.patch(f"/v1/customers/{made['customer_id']}", json=fields),
    ):
        assert refused(answer, 422, "invalid-input")["errors"] == [{"pointer": pointer, "detail": "unknown"}]


async def test_a_customer_that_is_not_there_is_not_found(office: Office) -> None:
    refused(await office.http.get(f"/v1/customers/{UNKNOWN}"), 404, "not-found")
    refused(await office.http.patch(f"/v1/customers/{UNKNOWN}", json={"name": "x"}), 404, "not-found")


async def test_a_ticket_that_opens_while_its_customer_changes_tells_the_last_word(office: Office) -> None:
    await office.open_ticket()
    (customer_id,) = await found(office)
    for number in range(5):
        tier = f"tier-{number}"
        _, receipt = await asyncio.gather(change(office, customer_id, tier=tier), office.send())

        async def last_word(ticket_id: str = receipt["ticket_id"]) -> str:
            events = [event for event in await office.everything_told() if ticket_id in event.subject]
            facts = [event.data.facts for event in events if hasattr(event.data, "facts")]
            return str(facts[-1].customer.tier) if facts else ""

        async with asyncio.timeout(10):
            while await last_word() != tier:
                await office.everything_told()
