"""What a rule has refused of a chat and a person lets in."""

from tests.eventually import eventually
from tests.integration.intake.chat.room import Room

RULES = [{"name": "odd", "when": 'message.text.contains("odd")', "fate": "quarantine"}]


async def let_in(room: Room, number: int) -> list[str]:
    """Lets in the messages that wait, this many; their tickets."""

    async def waiting() -> list[str]:
        items = (await room.http.get("/v1/quarantine")).json()["items"]
        assert len(items) == number
        return [item["id"] for item in items]

    tickets = []
    for raw_id in await eventually(waiting):
        released = await room.http.post(f"/v1/quarantine/{raw_id}/release")
        assert released.status_code == 201, released.text
        tickets.append(released.json()["ticket_id"])
    return tickets


async def test_what_a_rule_refuses_waits_to_be_let_in_and_then_stands_in_its_chat(room: Room) -> None:
    await room.configure(rules=RULES)
    async with room.page() as page:
        for number in (1, 2):
            await page.say(f"odd {number}", known=f"c-odd-{number}")
            await page.until("error", code="refused", client_message_id=f"c-odd-{number}")
        assert await room.tickets() == []

        tickets = await let_in(room, 2)
        assert tickets == [(await room.ticket())["ticket_id"]] * 2
        await page.say("plain")
        await page.until("ack", seq=3)
        await room.reply(tickets[0], "All is well.")
        await page.until_said("odd 1", "odd 2", "plain", "All is well.")
        # What was let in is known when the page sends it once more.
        await page.say("odd 2", known="c-odd-2")
        await page.until("ack", client_message_id="c-odd-2", seq=2)


async def test_a_stranger_s_words_let_in_late_leave_the_chat_to_whom_the_site_vouches_for(room: Room) -> None:
    await room.configure(rules=RULES)
    async with room.page() as page:
        await page.say("odd")
        await page.until("error", code="refused")
    token = room.visitor_token(email="ada@example.org", name="Ada")
    async with room.page(before=page, visitor_token=token) as known:
        await known.say("It is me.")
        await known.until("ack", seq=1)
        await known.tell("end")
        await known.until("noted", about="end")
    ticket_id = str((await room.ticket())["ticket_id"])
    before = await room.until_state(ticket_id, "abandoned")
    assert await let_in(room, 1) == [ticket_id]
    after = await room.chat(ticket_id)
    assert (after["is_verified"], after["messages"]) == (True, 2)
    kept = ("state", "seen_at", "visitor_name", "visitor_email")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    async with room.page(before=page) as stranger:
        assert stranger.welcome["seq"] == 0
    async with room.page(before=known, visitor_token=token) as again:
        assert again.welcome["seq"] == 2
