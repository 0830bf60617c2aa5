"""A visitor and an agent talk."""

import asyncio
from typing import Any

import pytest
from httpx_sse import aconnect_sse
from sqlalchemy import text

from shared.db.unit_of_work import Tx
from tests.integration.intake.chat.room import KEY, Room
from tests.integration.intake.office import refused


async def test_a_chat_becomes_a_ticket_with_its_first_message_and_answers_come_back(room: Room) -> None:
    async with room.page(language="de-AT", page="https://www.example.com/prices") as page:
        assert page.welcome["open"] is True
        assert page.welcome["seq"] == 0
        assert page.welcome["settings"] == {
            "name": "Acme",
            "greeting": "Hello!",
            "transcript": True,
            "most_characters": 4000,
        }
        assert await room.tickets() == []
        known = await page.say("It does not print.")
        ack = await page.until("ack")
        assert (ack["client_message_id"], ack["seq"]) == (known, 1)
        ticket = await room.ticket()
        assert (ticket["channel"], ticket["channel_kind"], ticket["subject"]) == ("web", "chat", "Chat")
        await page.until("status", status="waiting")
        reply = await room.reply(ticket["ticket_id"], "Is it on?")
        await page.until_said("It does not print.", "Is it on?")
        own, answer = page.said
        assert (own["author_kind"], own["client_message_id"]) == ("visitor", known)
        assert (answer["author_kind"], answer["author_name"]) == ("agent", "Grace")
        assert own["at"] == ack["at"]
        await page.until("status", status="joined")
        await page.say("No.")
        await page.until_said("It does not print.", "Is it on?", "No.")
        assert await room.texts(ticket["ticket_id"]) == ["It does not print.", "Is it on?", "No."]
        assert await room.delivery(reply["message_id"]) == "sent"
        await page.tell("received", up_to_seq=3)
        await room.until_delivery(reply["message_id"], "delivered")
        await page.tell("read", up_to_seq=3)
        await room.until_delivery(reply["message_id"], "read")
        chat = await room.chat(ticket["ticket_id"])
        assert (chat["state"], chat["messages"], chat["read"]) == ("open", 3, 3)
        assert chat["page"] == "https://www.example.com/prices"


async def test_what_is_sent_twice_is_stored_once(room: Room) -> None:
    async with room.page() as page:
        await page.say("Hello?", "one")
        first = await page.until("ack")
        await page.say("Hello?", "one")
        again = await page.until("ack")
        assert again == first
        async with room.page(before=page) as other:
            await other.say("Hello?", "one")
            assert await other.until("ack") == first
    assert await room.texts((await room.ticket())["ticket_id"]) == ["Hello?"]


async def test_two_pages_that_begin_at_once_open_one_ticket(room: Room) -> None:
    async with room.page() as page, room.page(before=page) as other:
        for number in range(3):
            await page.say(f"page {number}")
            await other.say(f"other {number}")
        for _ in range(3):
            await page.until("ack")
            await other.until("ack")
        while len(page.said) < 6:
            await page.read()
        while len(other.said) < 6:
            await other.read()
        assert page.said == other.said
    assert len(await room.tickets()) == 1
    assert page.welcome["conversation_id"] == other.welcome["conversation_id"]


async def test_typing_and_reading_show_on_both_sides_and_are_not_kept(room: Room) -> None:
    async with room.page() as page:
        await page.say("Hello?")
        await page.until("ack")
        ticket_id = (await room.ticket())["ticket_id"]
        url = f"/v1/tickets/{ticket_id}"
        async with aconnect_sse(room.http, "GET", f"{url}/stream") as source:
            events = source.aiter_sse()
            await page.tell("typing")
            async with asyncio.timeout(5):
                event = await anext(events)
            assert (event.event, event.id) == ("typing", "")
            assert event.json() == {
                "author_kind": "customer",
                "author_id": None,
                "is_typing": True,
                "message_id": None,
            }
            message = await room.reply(ticket_id, "Yes?")
            async with asyncio.timeout(5):
                assert (await anext(events)).event == "message"
                assert (await anext(events)).event == "event"
            await page.until_said("Hello?", "Yes?")
            await page.tell("read", up_to_seq=2)
            async with asyncio.timeout(5):
                event = await anext(events)
            assert (event.event, event.json()["message_id"]) == ("read", message["message_id"])
        assert (await room.http.post(f"{url}/typing", json={})).status_code == 204
        assert (await page.until("typing"))["is_typing"] is True
        assert (await room.http.post(f"{url}/typing", json={"is_typing": False})).status_code == 204
        assert (await page.until("typing"))["is_typing"] is False
        assert (await room.http.post(f"{url}/read", json={})).status_code == 204
        assert (await page.until("read"))["up_to_seq"] == 2
        async with room.page(before=page) as later:
            assert later.welcome["read_up_to"] == 2


async def test_what_the_staff_does_to_the_ticket_shows_in_the_chat(room: Room) -> None:
    async with room.page() as page:
        await page.say("Hello?")
        ticket_id = (await room.ticket())["ticket_id"]
        await page.until("status", status="waiting")
        await room.reply(ticket_id, "Done.", status="solved")
        await page.until("status", status="solved")
        await page.say("Not quite.")
        await page.until("status", status="joined")
        assert (await room.ticket())["status"] == "open"
        other = (
            await room.http.post("/v1/messages", json={"channel": "web", "from": {"name": "x"}, "text": "y"})
        ).json()
        merged = await room.http.post(f"/v1/tickets/{ticket_id}/merge", json={"into": other["ticket_id"]})
        assert merged.status_code == 200
        await room.reply(other["ticket_id"], "From where it went.")
        await page.until_said("Hello?", "Done.", "Not quite.", "From where it went.")
        await page.say("Found.")
        await page.until_said("Hello?", "Done.", "Not quite.", "From where it went.", "Found.")
        assert "Found." in await room.texts(other["ticket_id"])


async def test_a_closed_ticket_is_continued_by_another_in_the_same_chat(room: Room) -> None:
    async with room.page() as page:
        await page.say("Hello?")
        await page.until("ack")
        first = (await room.ticket())["ticket_id"]
        for status in ("solved", "closed"):
            assert (await room.http.patch(f"/v1/tickets/{first}", json={"status": status})).status_code == 200
        await page.say("Once more.")
        await page.until("ack", seq=2)
        newest = (await room.tickets())[0]
        assert newest["follow_up_of"] == first
        await room.reply(newest["ticket_id"], "Again?")
        await page.until_said("Hello?", "Once more.", "Again?")


async def test_whom_the_site_vouches_for_is_that_customer(room: Room) -> None:
    token = room.visitor_token(email="ada@Example.org", name="Ada")
    async with room.page(visitor_token=token) as page:
        await page.say("It is me.")
        await page.until("ack")
    ticket = await room.ticket()
    customer = (await room.http.get(f"/v1/customers/{ticket['customer_id']}")).json()
    assert customer["name"] == "Ada"
    assert (await room.chat(ticket["ticket_id"]))["is_verified"] is True
    # Whoever finds the browser later is somebody else, and so is another who logs in there.
    async with room.page(before=page) as stranger:
        assert stranger.welcome["conversation_id"] != page.welcome["conversation_id"]
        assert stranger.welcome["seq"] == 0
    page.said = []
    async with room.page(
        before=page, visitor_token=room.visitor_token(id="u-2", email="bob@example.org")
    ) as other:
        assert other.welcome["seq"] == 0
    async with room.page(before=page, visitor_token=token) as herself:
        await herself.until_said("It is me.")


async def test_a_stranger_who_logs_in_is_the_customer_whom_the_site_names(room: Room) -> None:
    identity = {"kind": "email", "value": "ada@example.org"}
    body = {"name": "Ada", "tier": "gold", "identities": [identity]}
    ada = (await room.http.post("/v1/customers", json=body)).json()
    async with room.page() as page:
        await page.say("It does not print.")
        await page.until("ack")
    before = await room.ticket()
    assert before["customer_id"] != ada["customer_id"]
    async with room.page(before=page, visitor_token=room.visitor_token(email="ada@example.org")) as known:
        await known.say("It is me.")
        await known.until("ack", seq=2)
        await known.say("Still me.")
        await known.until("ack", seq=3)
    ticket = await room.ticket()
    assert ticket["customer_id"] == ada["customer_id"]
    shown = (await room.http.get(f"/v1/customers/{before['customer_id']}")).json()
    assert (shown["customer_id"], shown["tier"], len(shown["identities"])) == (ada["customer_id"], "gold", 2)
    (event,) = await room.events(ticket["ticket_id"], "ticket.updated")
    told = event["data"]
    assert told["changed"] == ["customer"]
    assert told["facts"]["customer"].items() >= {"customer_id": ada["customer_id"], "tier": "gold"}.items()
    entries = (await room.http.get(f"/v1/tickets/{ticket['ticket_id']}/timeline")).json()["items"]
    assert all(entry["message"]["is_public"] for entry in entries if entry["message"])


async def test_a_stranger_who_logs_in_for_the_first_time_is_a_customer_from_then_on(room: Room) -> None:
    async with room.page() as page:
        await page.say("It does not print.")
        await page.until("ack")
    token = room.visitor_token(email="bob@example.org", name="Bob")
    async with room.page(before=page, visitor_token=token) as known:
        await known.say("It is me.")
        await known.until("ack", seq=2)
    shown = (await room.http.get(f"/v1/customers/{(await room.ticket())['customer_id']}")).json()
    assert (shown["name"], len(shown["identities"])) == ("Bob", 2)


async def test_a_page_that_stays_open_is_told_nothing_more_once_another_one_has_logged_in(room: Room) -> None:
    token = room.visitor_token(email="ada@example.org")
    async with room.page() as page:
        await page.say("It does not print.")
        await page.until_said("It does not print.")
        async with room.page(before=page, visitor_token=token) as known:
            known.said = []
            await known.say("It is me, in flat 7.")
            await known.until("ack", seq=2)
            assert await page.closed() == 4401
            assert page.others[-1] == {"type": "error", "code": "visitor_token"}
        page.said = page.said[:1]
        async with room.page(before=page, visitor_token=token) as again:
            await again.until_said("It does not print.", "It is me, in flat 7.")


@pytest.mark.parametrize(
    "wish",
    [
        {"type_": "message", "client_message_id": "c-x", "text": "I am nobody."},
        {"type_": "read", "up_to_seq": 1},
        {"type_": "typing"},
        {"type_": "transcript", "email": "eve@example.org"},
        {"type_": "end"},
    ],
    ids=lambda wish: wish["type_"],
)
async def test_a_page_that_has_not_heard_of_it_does_nothing_in_the_chat_of_who_has_logged_in(
    room: Room, wish: dict[str, Any]
) -> None:
    # It looks only now and then while nothing has begun.
    async with room.page() as page:
        async with room.page(before=page, visitor_token=room.visitor_token(id="u-7")) as known:
            await known.say("It is me.")
            await known.until("ack")
        await page.tell(**wish)
        assert await page.closed() == 4401
    ticket_id = (await room.ticket())["ticket_id"]
    chat = await room.chat(ticket_id)
    assert (chat["state"], chat["visitor_email"], chat["read"]) == ("open", None, 0)
    assert await room.texts(ticket_id) == ["It is me."]


async def test_forgetting_a_customer_forgets_their_chats_and_nobody_elses(room: Room) -> None:
    tokens = {
        name: room.visitor_token(id=name, email=f"{name}@example.org", name=name) for name in ("ada", "bob", "eve")
    }
    tickets, pages = {}, {}
    for name, token in tokens.items():
        async with room.page(visitor_token=token) as page:
            await page.say("Hello?")
            await page.until("ack")
        pages[name], tickets[name] = page, (await room.tickets())[0]
    for name in ("ada", "eve"):
        into = {"into": tickets["bob"]["ticket_id"]}
        merged = await room.http.post(f"/v1/tickets/{tickets[name]['ticket_id']}/merge", json=into)
        assert merged.status_code == 200, merged.text
        async with room.page(before=pages[name], visitor_token=tokens[name]) as page:
            await page.say("Still there?")
            await page.until("ack", seq=2)

    async def forgotten(name: str) -> list[tuple[str | None, str | None]]:
        gone = await room.http.delete(f"/v1/customers/{tickets[name]['customer_id']}")
        assert gone.status_code == 204, gone.text
        return await visitors(room)

    # Ada's chat and Eve's are about Bob's ticket.
    assert await forgotten("ada") == [("bob", "bob@example.org"), ("eve", "eve@example.org"), (None, None)]
    assert await forgotten("bob") == [("eve", "eve@example.org"), (None, None), (None, None)]


async def visitors(room: Room) -> list[tuple[str | None, str | None]]:
    """Names and addresses of who chats."""

    async def unit(tx: Tx) -> list[tuple[str | None, str | None]]:
        query = text("SELECT visitor_name, visitor_email FROM chat_conversation ORDER BY 1")
        return [(row.visitor_name, row.visitor_email) for row in await tx.execute(query)]

    return await room.system.services["intake"].runtime.database.transact(unit, workspaces=[room.workspace_id])


@pytest.mark.parametrize("claims", [{"exp": 1}, {"id": ""}, {"id": 7}, {"email": "x\0y@z"}])
async def test_a_token_that_the_site_did_not_sign_ends_the_connection(
    room: Room, claims: dict[str, object]
) -> None:
    async with room.connect(origin="https://www.example.com") as page:
        await page.tell("hello", public_key=KEY, visitor_token=room.visitor_token(**claims))
        assert (await page.read())["code"] == "visitor_token"
        assert await page.closed() == 4401


async def test_only_tickets_of_chats_have_one(room: Room) -> None:
    other = (
        await room.http.post("/v1/messages", json={"channel": "api", "from": {"name": "x"}, "text": "y"})
    ).json()
    refused(await room.http.get(f"/v1/tickets/{other['ticket_id']}/chat"), 404, "not-found")
