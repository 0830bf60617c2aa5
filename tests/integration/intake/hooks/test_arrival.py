"""What providers bring, as they document it and signed as they sign it, becomes the right ticket once."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import text

from services.intake.adapters.hooks.requests import HookRequest
from services.intake.adapters.outbound.opt_outs import opted_out
from services.intake.domain.message import Identity, IdentityKind
from shared.db.unit_of_work import Tx
from tests.eventually import eventually
from tests.integration.intake.hooks.vendors import Vendors
from tests.unit.intake.adapters.hooks import documented

_SENT = text(
    "INSERT INTO delivery (workspace_id, message_id, shard, ticket_id, channel, channel_kind, state, queued_at,"
    " next_attempt_at, provider_id) SELECT workspace_id, message_id, 0, ticket_id, channel, channel_kind, 'sent',"
    " created_at, created_at, 'SMout' FROM message WHERE workspace_id = :workspace_id AND message_id = :message_id"
    " ON CONFLICT (workspace_id, message_id) DO UPDATE SET state = 'sent', provider_id = 'SMout'"
)


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


async def test_a_text_becomes_a_ticket(vendors: Vendors) -> None:
    text = vendors.a_text(Body="Where is my parcel?")
    answer = await vendors.bring(vendors.twilio(text))
    assert (answer.headers["content-type"], answer.text[-11:]) == ("text/xml; charset=utf-8", "<Response/>")
    (ticket,) = await vendors.until_tickets(1)
    assert (ticket["channel"], ticket["channel_kind"], ticket["status"]) == ("sms", "sms", "new")
    (message,) = await vendors.messages(ticket)
    assert (message["text"], message["author_id"]) == ("Where is my parcel?", "+14155238886")


async def test_whatsapp_by_twilio_becomes_a_ticket(vendors: Vendors) -> None:
    fields = vendors.a_text(
        From="whatsapp:+5215512345678", To="whatsapp:+15550100", ProfileName="Ada", Body="Hola"
    )
    await vendors.bring(vendors.twilio(fields, "whats-twilio"))
    message = await vendors.until_message()
    assert (message["channel_kind"], message["author_id"], message["author_name"]) == (
        "whatsapp",
        "+525512345678",
        "Ada",
    )


async def test_whatsapp_by_meta_becomes_a_ticket(vendors: Vendors) -> None:
    answer = await vendors.bring(vendors.meta(as_json(documented.whatsapp(documented.whatsapp_text()))))
    assert answer.content == b""
    message = await vendors.until_message()
    assert (message["text"], message["author_id"]) == ("Does it come in another color?", "+16505551234")
    assert message["author_name"] == "Sheena Nelson"


async def test_a_slack_message_becomes_a_ticket(vendors: Vendors) -> None:
    await vendors.bring(vendors.slack(as_json(documented.slack())))
    message = await vendors.until_message()
    assert (message["channel_kind"], message["text"], message["author_id"]) == (
        "slack",
        "Hello, world!",
        "U123ABC456",
    )


async def test_the_neutral_webhook_becomes_a_ticket(vendors: Vendors) -> None:
    await vendors.bring(vendors.standard(as_json(documented.standard())))
    message = await vendors.until_message()
    assert (message["text"], message["author_id"]) == ("It does not print.", "+447700900123")


MAILS: dict[str, Callable[[Vendors], HookRequest]] = {
    "sendgrid": lambda v: v.sendgrid(documented.sendgrid(v.mail)),
    "sendgrid-raw": lambda v: v.sendgrid(documented.sendgrid_raw(to=v.mail)),
    "mailgun": lambda v: v.mailgun(documented.mailgun(v.mail)),
    "mailgun-raw": lambda v: v.mailgun(
        {"recipient": v.mail, "body-mime": documented.raw_text("mailgun")}, token="b" * 50
    ),
    "postmark": lambda v: v.postmark(documented.postmark(v.mail)),
    "postmark-raw": lambda v: v.postmark(documented.postmark(v.mail, RawEmail=documented.raw_text("postmark"))),
}


@pytest.mark.parametrize("make", MAILS.values(), ids=MAILS)
async def test_mail_that_a_provider_posts_becomes_a_ticket(
    vendors: Vendors, make: Callable[[Vendors], HookRequest]
) -> None:
    await vendors.bring(make(vendors))
    (ticket,) = await vendors.until_tickets(1)
    assert (ticket["channel"], ticket["channel_kind"]) == ("mail", "email")
    assert ticket["subject"] in ("Störung", "It does not print")
    (message,) = await vendors.messages(ticket)
    assert message["text_new"].strip() == "Der Drucker stört."
    assert message["author_id"] == "ada@example.org"
    assert message["delivered_to"] == [vendors.mail]
    for file in message["attachments"]:
        path = f"/v1/tickets/{ticket['ticket_id']}/attachments/{file['attachment_id']}"
        assert (file["filename"], (await vendors.http.get(path)).content) == ("log.txt", b"paper jam\n")


async def test_a_mail_of_five_megabytes_in_one_field_is_taken(vendors: Vendors) -> None:
    raw = documented.RAW_MAIL + b"All is lost, once more and once again.\r\n" * 131_072
    assert len(raw) > 5 << 20
    await vendors.bring(vendors.sendgrid(documented.sendgrid_raw(raw, to=vendors.mail)))
    message = await vendors.until_message()
    assert message["author_id"] == "ada@example.org"


async def is_out(vendors: Vendors) -> bool:
    """Whether the sender of texts wants none."""
    database = vendors.system.services["intake"].runtime.database
    asked = vendors.workspace_id, "sms", Identity(kind=IdentityKind.PHONE, value="+14155238886")
    return bool(await database.transact(lambda tx: opted_out(tx, [asked]), workspaces=[vendors.workspace_id]))


async def test_a_stopped_sender_is_remembered_until_they_start_again(vendors: Vendors) -> None:
    stop = vendors.twilio(vendors.a_text(Body=" stop. "))
    await vendors.bring(stop)
    message = await vendors.until_message()
    assert (message["text"], message["machine"]) == (" stop. ", "auto_generated")
    assert await is_out(vendors)
    await vendors.bring(vendors.twilio(vendors.a_text(Body="START")))
    await vendors.until_messages(2)
    assert not await is_out(vendors)
    # The first one comes again: it was said before.
    await vendors.bring(stop)
    await vendors.bring(vendors.twilio(vendors.a_text(Body="Please don't stop")))
    await vendors.until_messages(3)
    assert not await is_out(vendors)


async def test_no_rule_refuses_who_says_stop(vendors: Vendors) -> None:
    await vendors.configure_more(rules=[{"name": "all", "when": "true", "fate": "drop"}])
    stop = vendors.twilio(vendors.a_text(Body="STOP"))
    await vendors.bring(stop)
    await vendors.until_messages(1)
    assert await is_out(vendors)
    await vendors.bring(vendors.twilio(vendors.a_text(Body="START")))
    await vendors.until_messages(2)
    # A repeat of what was said before does not outdo what was said since.
    await vendors.bring(stop)
    await vendors.bring(vendors.twilio(vendors.a_text(Body="START", From="+14155238887")))
    await vendors.until_tickets(2)
    assert not await is_out(vendors)


async def test_rules_go_on_reading_the_sender_as_the_provider_told(vendors: Vendors) -> None:
    when = "sender.is_verified && sender.kind == 'phone'"
    rules = [{"name": "vouched", "when": when, "labels": {"sender": "vouched"}}]
    await vendors.configure_more(rules=rules)
    await vendors.bring(vendors.twilio(vendors.a_text()))
    (ticket,) = await vendors.until_tickets(1)
    assert ticket["labels"] == {"sender": "vouched"}
    path = f"/v1/tickets/{ticket['ticket_id']}"
    changed = await vendors.http.patch(path, json={"labels": {"product": "shop"}})
    assert changed.status_code == 200, changed.text
    assert changed.json()["labels"] == {"sender": "vouched", "product": "shop"}
    other = [{**rules[0], "labels": {"sender": "known"}}]
    preview = (await vendors.http.post("/v1/rules/preview", json={"rules": other})).json()
    (item,) = preview["items"]
    assert (item["before"]["labels"], item["after"]["labels"]) == ({"sender": "vouched"}, {"sender": "known"})


async def test_what_a_provider_tells_about_our_messages_is_kept(vendors: Vendors) -> None:
    await vendors.bring(vendors.twilio(vendors.a_text()))
    (ticket,) = await vendors.until_tickets(1)
    database = vendors.system.services["intake"].runtime.database

    reply = await vendors.http.post(f"/v1/tickets/{ticket['ticket_id']}/replies", json={"text": "Soon."})
    message_id = reply.json()["message"]["message_id"]

    async def sent(tx: Tx) -> None:
        await tx.execute(_SENT, {"workspace_id": vendors.workspace_id, "message_id": message_id})

    await database.transact(sent, workspaces=[vendors.workspace_id])

    async def state() -> str:
        (found,) = [one for one in await vendors.messages(ticket) if one["kind"] == "outbound"]
        return str(found["delivery"]["state"])

    for status in ("delivered", "sent", "queued"):
        await vendors.bring(vendors.twilio({"MessageSid": "SMout", "MessageStatus": status, "To": "+1"}))

    async def delivered() -> bool:
        return await state() == "delivered"

    await eventually(delivered)
    await vendors.until_settled()
    assert await state() == "delivered"
    # What has arrived cannot be lost any more.
    await vendors.bring(
        vendors.twilio({"MessageSid": "SMout", "MessageStatus": "undelivered", "ErrorCode": "30003"})
    )
    await vendors.until_settled()
    assert await state() == "delivered"


async def test_a_text_that_a_rule_quarantines_can_be_let_in(vendors: Vendors) -> None:
    rule = {"name": "odd", "when": 'message.text.contains("bitcoin")', "fate": "quarantine"}
    await vendors.configure_more(rules=[rule])
    text = vendors.a_text(Body="Buy bitcoin", From="+14155238887")
    for _ in range(3):
        await vendors.bring(vendors.twilio(text))
    await vendors.until_settled()
    (item,) = await vendors.until_quarantined()
    assert (item["form"], item["reason"]) == ("twilio-sms", "rule: odd")
    released = await vendors.http.post(f"/v1/quarantine/{item['id']}/release")
    assert (released.status_code, released.json()["disposition"]) == (201, "opened")
    written = [message["text"] for ticket in await vendors.tickets() for message in await vendors.messages(ticket)]
    assert written.count("Buy bitcoin") == 1
    await vendors.bring(vendors.twilio(text))
    await vendors.until_settled()
    assert await vendors.quarantine() == []
