"""Answers as they reach each vendor."""

import base64
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from services.intake.domain.outgoing import Never, Outcome, Outgoing, Taken
from services.intake.domain.workspace import Channel
from tests.integration.intake.outbound.desk import PUBLIC_URL, SECRET, Desk
from tests.integration.intake.vendors import Scripted


async def test_a_text_leaves_by_twilio(desk: Desk) -> None:
    receipt = await desk.reply(await desk.ticket("texts"), f"{desk.words} 10 €")
    assert (receipt["delivery"]["state"], receipt["segments"]) == ("queued", {"encoding": "gsm-7", "count": 1})
    (asked,) = await desk.vendors.until(f"AC-{desk.workspace_id}")
    assert (asked.method, asked.path) == ("POST", f"/2010-04-01/Accounts/AC-{desk.workspace_id}/Messages.json")
    assert asked.form == {
        "From": "+15550100",
        "To": desk.phone,
        "Body": f"{desk.words} 10 €",
        "StatusCallback": f"{PUBLIC_URL}/v1/hooks/{desk.workspace_id}-texts/twilio-sms#rc=3&rp=all",
    }
    credentials = base64.b64encode(f"AC-{desk.workspace_id}:token-1".encode()).decode()
    assert asked.headers["authorization"] == f"Basic {credentials}"
    delivery = await desk.until(receipt, "sent")
    assert (delivery["attempts"], delivery["last_error"]) == (1, None)
    assert datetime.fromisoformat(delivery["sent_at"]) <= datetime.now(UTC)


async def test_whatsapp_leaves_by_meta(desk: Desk) -> None:
    receipt = await desk.reply(await desk.ticket("whatsapp"))
    assert receipt["segments"] is None
    (asked,) = await desk.vendors.until(desk.words)
    assert asked.path == f"/v23.0/pn-{desk.workspace_id}/messages"
    assert asked.headers["authorization"] == "Bearer EAAG"
    assert asked.json == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": desk.phone[1:],
        "biz_opaque_callback_data": receipt["message"]["message_id"],
        "type": "text",
        "text": {"body": desk.words, "preview_url": False},
    }
    await desk.until(receipt, "sent")


async def test_whatsapp_leaves_by_twilio(desk: Desk) -> None:
    receipt = await desk.reply(await desk.ticket("wa-twilio"))
    (asked,) = await desk.vendors.until(desk.words)
    assert (asked.form["From"], asked.form["To"]) == ("whatsapp:+15550100", f"whatsapp:{desk.phone}")
    await desk.until(receipt, "sent")


async def test_slack_is_answered_where_the_person_is(desk: Desk) -> None:
    receipt = await desk.reply(await desk.ticket("slack", {"handle": "U024BE7LH"}), f"{desk.words} <!here> & co")
    (asked,) = await desk.vendors.until(desk.words)
    assert asked.path == "/api/chat.postMessage"
    assert asked.headers["authorization"] == "Bearer xoxb-1"
    assert asked.json == {
        "channel": "U024BE7LH",
        "text": f"{desk.words} &lt;!here&gt; &amp; co",
        "client_msg_id": receipt["message"]["message_id"],
        "unfurl_links": False,
        "unfurl_media": False,
    }
    await desk.until(receipt, "sent")
    assert (await desk.provider_id(receipt)).startswith("C042:1790000000.")


async def test_slack_is_answered_in_the_thread(desk: Desk) -> None:
    ticket_id = await desk.ticket("slack", {"handle": "U024BE7LH"})
    await desk.keep_thread(ticket_id, "C024BE91L:1712345678.000200")
    await desk.reply(ticket_id)
    (asked,) = await desk.vendors.until(desk.words)
    assert (asked.json["channel"], asked.json["thread_ts"]) == ("C024BE91L", "1712345678.000200")


async def test_anything_else_leaves_as_a_signed_webhook(desk: Desk) -> None:
    ticket_id = await desk.ticket("other", {"handle": "ada-42"})
    receipt = await desk.reply(ticket_id, html="<b>Rich</b>")
    (asked,) = await desk.vendors.until(f"/hook/{desk.workspace_id}")
    event = Webhook(SECRET).verify(asked.body, asked.headers)
    message_id = receipt["message"]["message_id"]
    assert asked.headers["webhook-id"] == message_id
    assert event["type"] == "message.send"
    assert event["data"] == {
        "id": message_id,
        "channel": "other",
        "channel_kind": "api",
        "from": f"{desk.workspace_id}-other",
        "to": {"handle": "ada-42"},
        "thread": None,
        "text": desk.words,
        "html": "<b>Rich</b>",
        "ticket_id": ticket_id,
        "author_kind": "agent",
        "purpose": "reply",
    }
    await desk.until(receipt, "sent")
    assert await desk.provider_id(receipt) == message_id


async def test_a_channel_without_a_provider_keeps_its_answers_to_be_fetched(desk: Desk) -> None:
    receipt = await desk.reply(await desk.ticket("api"))
    assert receipt["delivery"]["state"] == "none"


async def test_answers_of_a_ticket_leave_in_their_order(desk: Desk) -> None:
    ticket_id = await desk.ticket("texts")
    for number in range(6):
        await desk.reply(ticket_id, f"{desk.words} {number}")
    asked = await desk.vendors.until(desk.words, 6)
    assert [one.form["Body"][-1] for one in asked] == list("012345")


@pytest.mark.parametrize(
    ("channel", "template", "sent"),
    [
        (
            "whatsapp",
            {"name": "order_ready", "language": "en_US", "variables": {"2": "today", "1": "Ada"}},
            {
                "name": "order_ready",
                "language": {"code": "en_US"},
                "components": [
                    {
                        "type": "body",
                        "parameters": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "today"}],
                    }
                ],
            },
        ),
        (
            "whatsapp",
            {"name": "order_ready", "language": "de", "variables": {"who": "Ada"}},
            {
                "name": "order_ready",
                "language": {"code": "de"},
                "components": [
                    {
                        "type": "body",
                        "parameters": [{"type": "text", "text": "Ada", "parameter_name": "who"}],
                    }
                ],
            },
        ),
        ("whatsapp", {"name": "hello", "language": "de"}, {"name": "hello", "language": {"code": "de"}}),
    ],
)
async def test_a_template_leaves_in_the_text_s_place(
    desk: Desk, channel: str, template: dict[str, object], sent: dict[str, object]
) -> None:
    receipt = await desk.reply(await desk.ticket(channel), whatsapp_template=template)
    (asked,) = await desk.vendors.until(f"pn-{desk.workspace_id}")
    assert (asked.json["type"], asked.json["template"]) == ("template", sent)
    assert "text" not in asked.json
    assert receipt["message"]["text"] == desk.words


async def test_twilio_s_templates_have_a_content_sid(desk: Desk) -> None:
    template = {"name": "HX1", "language": "en", "variables": {"1": "Ada"}}
    await desk.reply(await desk.ticket("wa-twilio"), whatsapp_template=template)
    (asked,) = await desk.vendors.until(f"AC-{desk.workspace_id}")
    assert (asked.form["ContentSid"], asked.form["ContentVariables"]) == ("HX1", '{"1": "Ada"}')
    assert "Body" not in asked.form


@pytest.mark.parametrize(
    ("channel", "body"),
    [
        ("texts", {"sid": 5}),
        ("texts", {"sid": "SM\x001"}),
        ("texts", {"sid": None, "x": "y" * 100_000}),
        ("whatsapp", {"messages": [{"id": "\ud800"}]}),
        ("whatsapp", {}),
        ("slack", {"ok": True, "ts": "1" * 300}),
        ("slack", {"ok": True}),
    ],
)
async def test_a_yes_without_an_id_to_be_kept_is_a_yes(desk: Desk, channel: str, body: dict[str, object]) -> None:
    desk.vendors.script(desk.words, Scripted(200, body))
    sender = {"handle": "U024BE7LH"} if channel == "slack" else None
    receipt = await desk.reply(await desk.ticket(channel, sender))
    assert (await desk.until(receipt, "sent"))["attempts"] == 1
    assert await desk.kept_id(receipt) is None


async def test_an_error_that_nobody_can_write_down_is_one(desk: Desk) -> None:
    desk.vendors.script(desk.words, Scripted(200, {"ok": False, "error": "not\x00there"}))
    receipt = await desk.reply(await desk.ticket("slack", {"handle": "U024BE7LH"}))
    assert (await desk.until(receipt, "sent"))["attempts"] == 2


class Rogue:
    """A vendor whose words nobody has looked at."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.asked = 0

    async def send(self, _outgoing: Outgoing, _channel: Channel, _now: datetime) -> Outcome:
        self.asked += 1
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "state", "error"),
    [
        (Taken(provider_id="SM\x001"), "sent", None),
        (Never(reason="\x00"), "failed", "the provider's answer cannot be kept"),
    ],
)
async def test_what_the_database_refuses_is_settled_without_the_vendor_s_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, state: str, error: str | None
) -> None:
    sending = desk.system.services["intake"].app.state.outbound.sending
    rogue = Rogue(outcome)
    ticket_id = await desk.ticket("texts")
    monkeypatch.setattr(sending, "_carriers", replace(sending._carriers, twilio=rogue))
    delivery = await desk.until(await desk.reply(ticket_id), state)
    assert (delivery["attempts"], delivery["last_error"], rogue.asked) == (1, error, 1)
