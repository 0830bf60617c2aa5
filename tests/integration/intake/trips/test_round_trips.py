"""There and back and there again, in every way: a request is answered where it came from, and so is the answer."""

from urllib.parse import urlsplit

import pytest
from standardwebhooks import Webhook

from tests.eventually import eventually
from tests.integration.intake.mail.post import Json
from tests.integration.intake.notices import TEMPLATES
from tests.integration.intake.trips import letters
from tests.integration.intake.trips.ways import WAYS, Way, by_imap, by_postmark, by_smtp
from tests.integration.intake.trips.world import ADAS, OURS, World
from tests.integration.intake.vendors import Scripted
from tests.unit.intake.adapters.hooks import signing


async def ring(world: World, call: str, *steps: tuple[str, int]) -> None:
    """A call of Ada's, as Twilio tells of it: what comes between its ring and its end is an agent's leg."""
    for number, (status, second) in enumerate(steps):
        leg = {"CallSid": call, "From": ADAS, "To": OURS, "Direction": "inbound"}
        if 0 < number < len(steps) - 1:
            leg = {"CallSid": f"{call}a", "ParentCallSid": call, "From": ADAS, "To": "client:grace"}
        at = f"Mon, 02 Mar 2026 10:{second // 60:02}:{second % 60:02} +0000"
        fields = {**leg, "CallStatus": status, "Timestamp": at, "SequenceNumber": str(number)}
        await world.bring_twilio(fields, "phone", "twilio-voice")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_request_is_answered_and_the_answer_to_that_joins_it(world: World, way: Way) -> None:
    await way.send(world, "It does not print.")
    ticket = await world.only_ticket()
    assert (ticket["channel"], ticket["channel_kind"], ticket["status"]) == (way.channel, way.kind, "new")
    reply = await world.reply(ticket["ticket_id"], world.words)
    answers = await way.arrived(world)
    await world.until_delivery(ticket["ticket_id"], reply["message_id"], "sent")
    said = [("inbound", "It does not print."), ("outbound", world.words)]
    for number, answer in enumerate(answers):
        said.append(("inbound", f"Yes, it is, as I said {number} times."))
        await answer(said[-1][1])
        await world.until_messages(ticket["ticket_id"], len(said))
    messages = await world.messages(ticket["ticket_id"])
    assert [(message["kind"], message["text_new"].strip()) for message in messages] == said
    assert all(message["is_public"] for message in messages)
    assert await world.only_ticket()
    assert await world.quarantine() == []


async def test_a_call_that_nobody_took_is_followed_up_until_one_is_taken(world: World) -> None:
    await ring(world, "CA1", ("ringing", 0), ("completed", 25))
    ticket = await world.only_ticket()
    ticket_id = ticket["ticket_id"]
    assert (ticket["channel"], ticket["channel_kind"]) == ("phone", "voice")
    (missed,) = await world.until_ended(ticket_id, 1)
    assert (missed["outcome"], missed["ring_s"], missed["talk_s"]) == ("missed", 25, 0)
    ticket = await world.ticket(ticket_id)
    assert (ticket["status"], ticket["labels"]["call_outcome"]) == ("new", "missed")
    # Whoever makes calls for us is told whom to call back.
    await world.reply(ticket_id, world.words)
    (asked,) = await world.vendors.until(world.words)
    sent = Webhook(signing.STANDARD).verify(asked.body, asked.headers)["data"]
    assert (sent["channel_kind"], sent["to"], sent["ticket_id"]) == ("voice", {"phone": ADAS}, ticket_id)
    await ring(world, "CA2", ("ringing", 60), ("ringing", 62), ("in-progress", 70), ("completed", 100))
    taken, _ = await world.until_ended(ticket_id, 2)
    assert (taken["outcome"], taken["agent"], taken["talk_s"]) == ("answered", "grace", 30)
    assert (await world.only_ticket())["ticket_id"] == ticket_id


async def test_a_text_with_a_picture_is_answered_and_the_answer_is_read(world: World) -> None:
    media = f"/2010-04-01/Accounts/{world.account}/Messages/MM1/Media/ME1"
    picture = {"what it shows": "a printer"}
    world.vendors.script(media, Scripted(body=picture))
    fields = {"MessageSid": "MM1", "From": ADAS, "To": OURS, "Body": "It does not print.", "NumMedia": "1"}
    url = {"MediaUrl0": f"{world.vendors.url}{media}", "MediaContentType0": "application/json"}
    await world.bring_twilio({**fields, **url})
    ticket_id = (await world.only_ticket())["ticket_id"]

    async def fetched() -> Json:
        (message,) = await world.messages(ticket_id)
        (file,) = message["attachments"]
        assert file["state"] == "stored", file
        return dict(file)

    file = dict(await eventually(fetched))
    content = await world.http.get(f"/v1/tickets/{ticket_id}/attachments/{file['attachment_id']}")
    assert content.json() == picture
    (fetch,) = world.vendors.about(media)
    assert fetch.headers["authorization"].startswith("Basic ")

    world.vendors.script(world.words, Scripted(201, {"sid": f"SM-{world.account}", "status": "queued"}))
    reply = await world.reply(ticket_id, world.words)
    (asked,) = await world.vendors.until(world.words)
    await world.until_delivery(ticket_id, reply["message_id"], "sent")
    callback = urlsplit(asked.form["StatusCallback"])
    assert f"{callback.scheme}://{callback.netloc}" == signing.BASE
    for status in ("delivered", "sent", "queued", "read", "delivered"):
        told = {"MessageSid": f"SM-{world.account}", "MessageStatus": status, "AccountSid": world.account}
        await world.bring(signing.twilio_call(told, path=callback.path))
    delivery = await world.until_delivery(ticket_id, reply["message_id"], "read")
    assert delivery["sent_at"] <= delivery["delivered_at"]
    assert delivery["attempts"] == 1


async def test_a_mail_is_acknowledged_once_and_who_answers_that_is_heard(world: World) -> None:
    mail, *others = world.channels()
    body = {"channels": [{**mail, "notices": {"received": "received"}}, *others], "templates": TEMPLATES}
    answer = await world.http.put("/v1/configuration", json=body, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    asked = letters.letter(world, "It does not print.")
    for post in (by_smtp, by_imap, by_smtp):
        await post(world, asked)
    (ack,) = await world.until_sent()
    ticket = await world.only_ticket()
    said = ack.mail
    assert str(said["Subject"]).startswith(f"We have your request #{ticket['number']} ")
    assert (said["Auto-Submitted"], said["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert (ack.sender, said["To"]) == ("", world.ada)
    assert said["In-Reply-To"] == said["References"] == asked["Message-ID"]
    await by_postmark(world, letters.answer_to(world, ack, "Thank you.", "everything"))
    messages = await world.until_messages(ticket["ticket_id"], 3)
    assert [(message["kind"], message["purpose"]) for message in messages] == [
        ("inbound", None),
        ("outbound", "ack"),
        ("inbound", None),
    ]
    assert messages[2]["text_new"].strip() == "Thank you."
    # What is sent after all of this arrives behind it: there is no second acknowledgement.
    await world.reply(ticket["ticket_id"], world.words)
    _, reply = await world.until_sent(2)
    assert reply.mail.get_content().strip() == world.words
    assert await world.only_ticket()
