"""What callers leave on the machine, and what is recorded of calls."""

from tests.integration.intake.calls.switchboard import ANSWERED, MISSED, SHORT, Switchboard, call
from tests.integration.intake.office import shown

URL = "https://voice.example/recordings/RE1.mp3"
LEFT = ("ringing@0", "ivr@2", "recorded@30", "ended@31")
VOICEMAIL = {"recording_url": URL, "outcome": "voicemail"}


async def test_a_voicemail_is_the_customers_message_and_leaves_its_ticket_open(switchboard: Switchboard) -> None:
    events = call(*LEFT, recorded=VOICEMAIL)
    for _ in range(2):
        await switchboard.report(reversed(events))
    ticket = await switchboard.ticket()
    assert (ticket["status"], ticket["labels"]) == ("new", {"call_outcome": "voicemail"})
    (message,) = [
        entry["message"] for entry in await switchboard.office.timeline(ticket["ticket_id"]) if entry["message"]
    ]
    assert (message["text"], message["author_id"], message["machine"]) == ("Voicemail", "+4930123456", "none")
    assert await switchboard.waiting_media() == [(URL, "audio/mpeg", "voicemail.mp3")]
    await switchboard.settle()
    assert (await switchboard.ticket())["status"] == "new"


async def test_what_was_said_may_be_told_later_and_is_found(switchboard: Switchboard) -> None:
    events = call(*LEFT, "recorded@60", recorded=VOICEMAIL)
    await switchboard.report(events[:-1])
    events[-1]["data"] |= {"transcript": "My parcel is broken."}
    await switchboard.report(events[-1:])
    ticket = await switchboard.ticket()
    assert "My parcel is broken." in shown(await switchboard.office.timeline(ticket["ticket_id"]))
    assert await switchboard.tickets(text="parcel") == [ticket]


async def test_the_recording_of_an_answered_call_wakes_nobody(switchboard: Switchboard) -> None:
    events = call(*ANSWERED, "recorded@130", recorded={"recording_url": URL})
    await switchboard.report(events[:-1])
    ticket_id = (await switchboard.ticket())["ticket_id"]
    await switchboard.office.change(ticket_id, status="solved")
    await switchboard.report(events[-1:])
    ticket = await switchboard.ticket()
    assert (ticket["status"], ticket["labels"]) == ("solved", {})
    timeline = await switchboard.office.timeline(ticket_id)
    assert shown(timeline)[-1] == "Recording of the call"
    assert timeline[-1]["message"]["machine"] == "auto_generated"


async def test_a_voicemail_that_is_told_after_its_ticket_was_closed_opens_the_next(
    switchboard: Switchboard,
) -> None:
    events = call(*SHORT, "recorded@30", recorded=VOICEMAIL)
    await switchboard.report(events[:-1])
    await switchboard.settle()
    closed = await switchboard.until(status="closed")
    await switchboard.report(events[-1:])
    _, following = await switchboard.tickets()
    assert (following["follow_up_of"], following["status"]) == (closed["ticket_id"], "new")
    assert following["labels"] == {"call_outcome": "voicemail"}


async def test_a_recording_that_comes_after_its_ticket_was_closed_stands_there(switchboard: Switchboard) -> None:
    events = call(*ANSWERED, "recorded@130", recorded={"recording_url": URL})
    await switchboard.report(events[:-1])
    ticket_id = (await switchboard.ticket())["ticket_id"]
    for status in ("solved", "closed"):
        await switchboard.office.change(ticket_id, status=status)
    for _ in range(2):
        await switchboard.report(events[-1:])
    assert (await switchboard.ticket())["status"] == "closed"
    timeline = await switchboard.office.timeline(ticket_id)
    assert shown(timeline)[-1] == "Recording of the call"
    assert await switchboard.waiting_media() == [(URL, "audio/mpeg", "recording.mp3")]


async def test_a_voicemail_opens_a_solved_ticket_again(switchboard: Switchboard) -> None:
    await switchboard.report(call(*MISSED))
    ticket_id = (await switchboard.ticket())["ticket_id"]
    await switchboard.office.change(ticket_id, status="solved")
    await switchboard.report(call(*LEFT, call_id="c-2", recorded=VOICEMAIL))
    ticket = await switchboard.ticket()
    assert (ticket["status"], ticket["labels"]) == ("open", {"call_outcome": "voicemail"})
