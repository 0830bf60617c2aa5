"""What time does to chats, and what leaves by mail."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from deploy.local.stack import Stack
from shared.db.unit_of_work import Tx
from tests.eventually import eventually
from tests.integration.intake.chat.room import Json, Page, Room
from tests.integration.intake.mail.sink import Kept, Sink
from tests.integration.intake.notices import outcomes
from tests.system import System, Templates, start

IDLE = timedelta(minutes=15)
GONE = timedelta(minutes=2)
MOMENT = timedelta(seconds=30)


@pytest.fixture(scope="module")
async def travelling(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory, sink: Sink
) -> AsyncIterator[System]:
    """A process whose clock is moved: its tests come one after another, each in a workspace of its own."""
    async with start(
        stack,
        ("intake",),
        prefix="chat_time",
        templates=templates,
        folder=tmp_path_factory.mktemp("time"),
        outbound_smtp_url=f"smtp://127.0.0.1:{sink.port}",
    ) as running:
        yield running


@pytest.fixture
async def office(travelling: System, workspace_id: str) -> Room:
    return await Room.open(travelling, workspace_id)


async def begun(room: Room, page: Page) -> str:
    """The ticket of a chat that begins now."""
    await page.say("It does not print.")
    await page.until("ack")
    return str((await room.ticket())["ticket_id"])


async def mails(sink: Sink, to: str, number: int = 1) -> list[Kept]:
    def probe() -> list[Kept]:
        assert len(sink.kept[to]) == number
        return sink.kept[to]

    return list(await eventually(probe))


async def test_a_chat_that_nobody_goes_on_with_ends_and_its_ticket_is_solved(office: Room) -> None:
    async with office.page() as page:
        ticket_id = await begun(office, page)
        await office.reply(ticket_id, "Is it on?")
        await office.system.travel(IDLE + MOMENT)
        await page.until("status", within_s=15, status="closed_idle")
        ticket = await office.ticket()
        assert ticket["status"] == "solved"
        assert "chat_outcome" not in ticket["labels"]
        async with office.page(before=page) as later:
            assert later.welcome["open"] is False
            await later.say("It was off.")
            await later.until("status", status="joined")
        assert (await office.ticket())["status"] == "open"


async def test_who_waits_for_us_is_never_idle(office: Room) -> None:
    async with office.page() as page:
        ticket_id = await begun(office, page)
        await office.reply(ticket_id, "Is it on?")
        await page.say("No.")
        await page.until("ack", seq=3)
        await office.system.travel(IDLE * 3)
        # Another chat of the same shard that does end says that this one was looked at.
        async with office.page() as other:
            await other.say("Me too.")
            await other.until("ack")
            second = (await office.tickets())[0]["ticket_id"]
            await office.reply(second, "Yes?")
            await office.system.travel(IDLE + MOMENT)
            await other.until("status", within_s=15, status="closed_idle")
        assert (await office.chat(ticket_id))["state"] == "open"


async def test_a_notice_answers_nobody(office: Room) -> None:
    await office.configure({"received": "received"}, abandon_after="10h")
    async with office.page() as page:
        ticket_id = await begun(office, page)
        assert (await page.until("message", within_s=15, seq=2))["text"].endswith("we are on it.")
        await office.system.travel(IDLE + MOMENT)
        async with office.page() as other:
            await other.say("Me too.")
            await other.until("ack")
            second = (await office.tickets())[0]["ticket_id"]
            await office.reply(second, "Yes?")
            await office.system.travel(IDLE + MOMENT)
            await other.until("status", within_s=15, status="closed_idle")
        assert (await office.chat(ticket_id))["state"] == "open"
        assert (await office.http.get(f"/v1/tickets/{ticket_id}")).json()["status"] == "new"


async def test_a_visitor_who_leaves_unanswered_is_labelled_and_answered_by_mail(office: Room, sink: Sink) -> None:
    ada = f"ada@{office.workspace_id}.example"
    async with office.page(language="de") as page:
        ticket_id = await begun(office, page)
        await page.tell("transcript", email=ada)
        await eventually(lambda: has_email(office, ticket_id))
    await office.system.travel(GONE + MOMENT)
    await office.until_state(ticket_id, "abandoned")
    ticket = await office.ticket()
    assert (ticket["status"], ticket["labels"]) == ("new", {"chat_outcome": "abandoned"})
    (kept,) = await mails(sink, ada)
    assert kept.sender == ""
    assert kept.mail["Auto-Submitted"] == "auto-generated"
    assert kept.mail["Subject"].startswith("Re: Chat [#")
    text = kept.mail.get_content()
    assert text.startswith("Sie haben den Chat verlassen")
    assert "print" not in text
    await office.reply(ticket_id, "Please switch it on.")
    answer = (await mails(sink, ada, 2))[1]
    assert answer.mail.get_content().strip() == "Please switch it on."
    assert "+t." in str(answer.mail["Reply-To"])
    # Whoever comes back finds it in the chat as well.
    async with office.page(before=page) as later:
        await later.until_said("It does not print.", "Please switch it on.")


async def test_files_are_refused_while_nobody_would_get_them_and_go_by_mail(office: Room, sink: Sink) -> None:
    ada = f"ada@{office.workspace_id}.example"
    file = {"params": {"filename": "a.txt"}, "content": b"how to", "headers": {"content-type": "text/plain"}}
    uploaded = await office.http.post("/v1/attachments", **file)  # type: ignore[arg-type] # httpx's options
    reply = {"text": "See there.", "author_id": "grace", "attachment_ids": [uploaded.json()["attachment_id"]]}
    async with office.page() as page:
        replies = f"/v1/tickets/{await begun(office, page)}/replies"
        refused = await office.http.post(replies, json=reply)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/attachment_ids")
        await office.reply(replies.split("/")[3], "Is it on?")
        await page.tell("transcript", email=ada)
        await page.tell("end")
        await page.until("status", status="ended")
    assert (await office.http.post(replies, json=reply)).status_code == 201
    answer = (await mails(sink, ada, 2))[1].mail
    assert [part.get_filename() for part in answer.iter_attachments()] == ["a.txt"]


async def has_email(room: Room, ticket_id: str) -> bool:
    return (await room.chat(ticket_id))["visitor_email"] is not None


async def test_a_visitor_who_comes_back_in_time_is_not_abandoned(office: Room) -> None:
    async with office.page() as page:
        ticket_id = await begun(office, page)
    async with office.page() as other:
        await other.say("Nobody there?")
        await other.until("ack")
        gone = (await office.tickets())[0]["ticket_id"]
    await office.system.travel(GONE - MOMENT)
    async with office.page(before=page):
        pass
    await office.system.travel(2 * MOMENT)
    # Both were looked at, by the same one.
    await office.until_state(gone, "abandoned")
    assert (await office.chat(ticket_id))["state"] == "open"


async def test_a_transcript_goes_to_who_asked_for_it(office: Room, sink: Sink) -> None:
    ada = f"ada@{office.workspace_id}.example"
    async with office.page() as page:
        ticket_id = await begun(office, page)
        await office.reply(ticket_id, "Is it on?\nReally?")
        await page.until_said("It does not print.", "Is it on?\nReally?")
        await page.tell("received", up_to_seq=2)
        await page.tell("transcript", email=ada)
        await page.until("noted", about="transcript")
        await page.tell("end")
        await page.until("noted", about="end")
        await page.until("status", status="ended")
    assert (await office.ticket())["status"] == "solved"
    (kept,) = await mails(sink, ada)
    lines = kept.mail.get_content().splitlines()
    assert lines[0] == "This is your chat with us. Times are UTC."
    assert lines[2].endswith("] You: It does not print.")
    assert lines[4].endswith("] Grace: Is it on?")
    assert lines[5] == "Really?"

    async def states() -> set[str]:
        return {entry["message"]["delivery"]["state"] for entry in await outbound(office, ticket_id)}

    async def is_settled() -> bool:
        return await states() == {"delivered", "sent"}

    await eventually(is_settled)


async def outbound(room: Room, ticket_id: str) -> list[Json]:
    entries = (await room.http.get(f"/v1/tickets/{ticket_id}/timeline")).json()["items"]
    return [entry for entry in entries if entry["message"] and entry["message"]["kind"] == "outbound"]


async def test_nobody_is_made_to_write_to_strangers(office: Room, sink: Sink) -> None:
    victim = f"victim@{office.workspace_id}.example"
    same = (victim, victim.upper(), victim.replace("@", "+1@"), victim, f"other-{victim}", victim)
    async with office.page() as page:
        for number, email in enumerate(same):
            await page.say(f"Buy now {number}")
            await page.until("ack")
            await page.tell("transcript", email=email)
            await page.tell("end")
            await office.until_state((await office.ticket())["ticket_id"], "abandoned")
    sent = await outbound(office, (await office.ticket())["ticket_id"])
    assert len(sent) == 4, "three to the victim, and one to another address"
    (first,) = await mails(sink, victim)
    assert b"Buy" not in first.raw


async def test_what_bots_write_to_who_has_left_counts_too_and_beyond_that_shows_in_the_chat(
    office: Room, sink: Sink
) -> None:
    victim = f"victim@{office.workspace_id}.example"
    async with office.page() as page:
        ticket_id = await begun(office, page)
        await page.tell("transcript", email=victim)
        await page.tell("end")
        await office.until_state(ticket_id, "abandoned")
    for number in range(3):
        await office.reply(ticket_id, f"Beep {number}", author_kind="bot", author_id="robo")
    await office.reply(ticket_id, "It is me, Grace.")
    sent = [entry["message"] for entry in await outbound(office, ticket_id)]
    # The first one told them that they have left.
    assert [message["delivered_to"] for message in sent] == [[victim], [victim], [victim], [], [victim]]
    assert [message["delivery"]["state"] for message in sent][3] == "sent"
    kept = await mails(sink, victim, 4)
    assert [one.sender == "" for one in kept if "Beep" in one.mail.get_content()] == [True, True]
    async with office.page(before=page) as later:
        await later.until_said("It does not print.", "Beep 0", "Beep 1", "Beep 2", "It is me, Grace.")


async def test_notices_to_strangers_count_with_all_else_that_goes_to_them(office: Room) -> None:
    await office.configure({"solved": "done"})
    victim, ours = f"victim@{office.workspace_id}.example", f"help+x@{office.workspace_id}.example"
    for email in (victim, victim, ours):
        async with office.page() as page:
            await page.say("Buy now")
            await page.until("ack")
            await page.tell("transcript", email=email)
            await page.tell("end")
            ticket_id = (await office.tickets())[0]["ticket_id"]
            await office.until_state(ticket_id, "abandoned")
        ticket = f"/v1/tickets/{ticket_id}"
        solved = await office.http.patch(ticket, json={"status": "solved"}, headers={"If-Match": "*"})
        assert solved.status_code == 200, solved.text

    async def whys() -> list[str | None]:
        settled = await outcomes(office.system, office.workspace_id)
        assert {state for _, state, _ in settled} == {"sent", "withheld"}
        return [why for reason, _, why in settled if reason == "solved"]

    # Each was told that they have left, and the first that their ticket is solved.
    assert await eventually(whys, within_s=20) == [None, "too_many", "own_address"]
    sent = [entry for ticket in await office.tickets() for entry in await outbound(office, ticket["ticket_id"])]
    assert [entry["message"]["delivered_to"] for entry in sent] == [[victim]] * 3


async def test_a_visitor_whom_nobody_may_write_to_is_not_told_that_they_have_left(office: Room) -> None:
    shy, gone = f"shy@{office.workspace_id}.example", f"gone@{office.workspace_id}.example"
    for email, do_not_contact in ((shy, True), (gone, False)):
        customer = {"identities": [{"kind": "email", "value": email}], "do_not_contact": do_not_contact}
        assert (await office.http.post("/v1/customers", json=customer)).status_code == 201

    async def flag(tx: Tx) -> None:
        query = "UPDATE identity SET undeliverable_since = now() WHERE value = :value"
        await tx.execute(text(query), {"value": gone})

    await office.system.services["intake"].runtime.database.transact(flag, workspaces=[office.workspace_id])
    for email in (shy, gone, f"noreply@{office.workspace_id}.example", f"HELP@{office.workspace_id}.example"):
        async with office.page(visitor_token=office.visitor_token(email=email)) as page:
            await page.say("It does not print.")
            await page.until("ack")
            await page.tell("end")
            ticket_id = (await office.tickets())[0]["ticket_id"]
            await office.until_state(ticket_id, "abandoned")
        assert await outbound(office, ticket_id) == []


async def test_a_transcript_goes_to_the_address_that_the_site_vouches_for(office: Room, sink: Sink) -> None:
    ada, other = f"ada@{office.workspace_id}.example", f"other@{office.workspace_id}.example"
    async with office.page(visitor_token=office.visitor_token(email=ada)) as page:
        ticket_id = await begun(office, page)
        await office.reply(ticket_id, "Is it on?")
        await page.tell("transcript", email=other)
        await page.tell("end")
        await page.until("status", status="ended")
    (kept,) = await mails(sink, ada)
    assert "Is it on?" in kept.mail.get_content()
    assert sink.kept[other] == []


async def test_a_channel_without_transcripts_promises_none(office: Room) -> None:
    await office.configure(transcript=False)
    async with office.page() as page:
        assert page.welcome["settings"]["transcript"] is False
        await begun(office, page)
        await page.tell("transcript", email="ada@example.org")
        await page.until("error", code="refused")


async def test_there_is_no_transcript_of_nothing(office: Room) -> None:
    async with office.page() as page:
        await page.tell("transcript", email="ada@example.org")
        await page.until("error", code="no_conversation", about="transcript")
        await page.tell("end")
        await page.until("error", code="no_conversation", about="end")
