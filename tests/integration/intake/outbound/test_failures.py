"""What vendors refuse, when they fail, and what is to be seen of it."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from deploy.local.stack import Stack
from services.intake.domain.message import DeliveryState
from services.intake.domain.retries import give_up_after
from services.intake.domain.whatsapp import OUTSIDE_WINDOW
from shared.clock import monotonic
from shared.db.unit_of_work import Tx
from shared.vocabulary import ChannelKind
from tests.eventually import eventually
from tests.integration.intake.notices import TEMPLATES, outcomes
from tests.integration.intake.office import refused, slug_of
from tests.integration.intake.outbound.desk import SECRET, Desk
from tests.integration.intake.vendors import Scripted, Vendors
from tests.system import Templates, start

BUSY = Scripted(429, {"code": 20429}, {"retry-after": "1"})
NO_SUCH_NUMBER = Scripted(400, {"code": 21211, "message": "Invalid 'To' Phone Number: +4930123456"})


async def test_a_vendor_that_fails_is_asked_again(desk: Desk) -> None:
    desk.vendors.script(desk.words, Scripted(500, {"code": 20500}), Scripted(503, {}))
    receipt = await desk.reply(await desk.ticket("texts"))
    delivery = await desk.until(receipt, "sent", within_s=15)
    assert (delivery["attempts"], delivery["last_error"]) == (3, None)
    assert len(desk.vendors.about(desk.words)) == 3


async def test_the_rest_of_a_ticket_s_answers_wait_for_the_first_failure_only(desk: Desk) -> None:
    """And not until the one that failed is tried again, which it is not within an hour."""
    ticket_id = await desk.ticket("other", {"handle": "ada-42"})
    desk.vendors.script(f"{desk.words} first", Scripted(500, {}, {"retry-after": "3600"}))
    receipts = [await desk.reply(ticket_id, f"{desk.words} {said}") for said in ("first", "second", "third")]
    for receipt in receipts[1:]:
        await desk.until(receipt, "sent")
    assert (await desk.delivery(receipts[0]["message"]["message_id"]))["attempts"] == 1
    assert len(desk.vendors.about(desk.words)) == 3


async def test_a_vendor_that_is_asked_too_often_is_left_alone_for_as_long_as_it_says(desk: Desk) -> None:
    desk.vendors.script(desk.words, BUSY)
    ticket_id = await desk.ticket("texts")
    began = monotonic()
    receipt = await desk.reply(ticket_id)

    async def waits() -> dict[str, Any]:
        delivery = await desk.delivery(receipt["message"]["message_id"])
        assert delivery["last_error"] == "the provider is asked too often (Twilio: 20429)"
        return delivery

    assert (await eventually(waits))["state"] == "queued"
    other = await desk.reply(await desk.ticket("texts", {"phone": "+4930999999"}), f"{desk.words} Another one")
    await desk.until(other, "sent")
    assert monotonic() - began >= 1.0
    await desk.until(receipt, "sent", within_s=15)


async def test_what_a_vendor_refuses_is_listed_shown_and_can_be_tried_again(desk: Desk) -> None:
    desk.vendors.script(desk.words, NO_SUCH_NUMBER)
    ticket_id = await desk.ticket("texts")
    receipt = await desk.reply(ticket_id)
    message_id = receipt["message"]["message_id"]
    delivery = await desk.until(receipt, "failed")
    # Ours and not the vendor's words, which repeat the number.
    assert (delivery["attempts"], delivery["last_error"]) == (1, "the number is not valid (Twilio: 21211)")
    assert delivery["failed_at"]
    (listed,) = await desk.listed()
    assert (listed["message_id"], listed["ticket_id"], listed["state"]) == (message_id, ticket_id, "failed")
    assert (listed["channel"], listed["channel_kind"], listed["ticket_number"]) == ("texts", "sms", 1)
    assert listed["last_error"] == delivery["last_error"]
    assert await desk.listed(state="queued") == []
    assert await desk.listed(channel="whatsapp") == []
    first, again = [await desk.retry(message_id, "again") for _ in range(2)]
    assert (first.status_code, first.json()["state"], first.json()["attempts"]) == (200, "queued", 0)
    assert again.content == first.content
    sent = await desk.until(receipt, "sent")
    assert (sent["attempts"], sent["last_error"], sent["failed_at"]) == (1, None, None)
    assert len(desk.vendors.about(desk.words)) == 2
    assert await desk.listed() == []


async def test_what_is_tried_again_is_no_repeat_to_who_takes_webhooks(desk: Desk) -> None:
    desk.vendors.script(desk.words, Scripted(410, {}), Scripted(500, {}))
    receipt = await desk.reply(await desk.ticket("other", {"handle": "ada-42"}))
    message_id = receipt["message"]["message_id"]
    await desk.until(receipt, "failed")
    # Told about the first time, whose yes nobody heard.
    await desk.tell("other", message_id, DeliveryState.FAILED, reason="the line is dead")
    assert (await desk.retry(message_id)).status_code == 200
    delivery = await desk.until(receipt, "sent", within_s=15)
    assert (delivery["attempts"], delivery["last_error"]) == (2, None)
    asked = desk.vendors.about(desk.words)
    assert [one.headers["webhook-id"] for one in asked] == [message_id, f"{message_id}-1", f"{message_id}-1"]
    for one in asked:
        assert Webhook(SECRET).verify(one.body, one.headers)["data"]["id"] == message_id
    await desk.tell("other", message_id, DeliveryState.DELIVERED)
    await desk.until(receipt, "delivered")


async def test_of_a_reply_under_way_to_somebody_who_is_erased_nothing_is_kept(desk: Desk) -> None:
    ticket_id = await desk.ticket("texts")
    customer_id = (await desk.http.get(f"/v1/tickets/{ticket_id}")).json()["customer_id"]

    async def erase() -> None:
        assert (await desk.http.delete(f"/v1/customers/{customer_id}")).status_code == 204

    desk.vendors.script(desk.words, Scripted(before=erase))
    receipt = await desk.reply(ticket_id)
    await desk.until(receipt, "failed")
    # By the same channel, and so after what the vendor answered to the first.
    later = await desk.reply(await desk.ticket("texts", {"phone": "+4930999999"}), "Another one")
    await desk.until(later, "sent")
    parameters = {"workspace_id": desk.workspace_id, "message_id": receipt["message"]["message_id"]}
    query = text(
        "SELECT state, provider_id, recipient FROM delivery"
        " WHERE workspace_id = :workspace_id AND message_id = :message_id"
    )
    rows = await desk.database.transact(lambda tx: tx.execute(query, parameters), workspaces=[desk.workspace_id])
    assert [tuple(row) for row in rows] == [("failed", None, None)]


async def test_only_what_is_lost_is_tried_again(desk: Desk) -> None:
    receipt = await desk.reply(await desk.ticket("texts"))
    await desk.until(receipt, "sent")
    refused(await desk.retry(receipt["message"]["message_id"]), 409, "conflict")
    refused(await desk.retry("01900000-0000-7000-8000-000000000000"), 404, "not-found")
    reader = await desk.system.http("intake", desk.workspace_id, "tickets:read")
    answer = await reader.post(f"/v1/deliveries/{receipt['message']['message_id']}/retry")
    assert answer.status_code == 403


async def test_the_list_has_pages_and_is_the_workspace_s_own(desk: Desk) -> None:
    ticket_id = await desk.ticket("texts")
    receipts = []
    for number in range(3):
        desk.vendors.script(f"{desk.words}{number}.", NO_SUCH_NUMBER)
        receipts.append(await desk.reply(ticket_id, f"{desk.words}{number}."))
    for receipt in receipts:
        await desk.until(receipt, "failed")
    ids = [receipt["message"]["message_id"] for receipt in reversed(receipts)]
    first = (await desk.http.get("/v1/deliveries", params={"limit": 2})).json()
    rest = (await desk.http.get("/v1/deliveries", params={"cursor": first["next_cursor"]})).json()
    assert [item["message_id"] for item in first["items"] + rest["items"]] == ids
    assert rest["next_cursor"] is None
    stranger = await desk.system.http("intake", f"{desk.workspace_id}-other")
    assert (await stranger.get("/v1/deliveries")).json()["items"] == []
    refused(await stranger.post(f"/v1/deliveries/{ids[0]}/retry"), 404, "not-found")
    assert slug_of(await desk.http.get("/v1/deliveries", params={"state": "sent"})) == "invalid-request"
    assert slug_of(await desk.http.get("/v1/deliveries", params={"cursor": "nonsense"})) == "invalid-input"


async def test_a_loss_is_told_on_the_ticket_s_stream(desk: Desk) -> None:
    desk.vendors.script(desk.words, NO_SUCH_NUMBER)
    ticket_id = await desk.ticket("texts")
    async with desk.http.stream("GET", f"/v1/tickets/{ticket_id}/stream") as stream:
        receipt = await desk.reply(ticket_id)
        async with asyncio.timeout(10):
            async for line in stream.aiter_lines():
                if line.startswith("data:") and "message.delivery_failed" in line:
                    break
    entries = (await desk.http.get(f"/v1/tickets/{ticket_id}/timeline")).json()["items"]
    (event,) = [
        entry["event"] for entry in entries if entry["event"] and entry["event"]["type"].startswith("message")
    ]
    assert event["subject"] == f"message/{receipt['message']['message_id']}"
    assert event["data"] == {
        "message_id": receipt["message"]["message_id"],
        "channel": "texts",
        "state": "failed",
    }
    assert [entry["entry"] for entry in entries] == sorted({entry["entry"] for entry in entries})
    # Whatever is said after it goes on counting.
    await desk.reply(ticket_id, "Another one")


async def test_an_account_that_does_not_work_holds_its_channel_until_it_is_set_right(desk: Desk) -> None:
    desk.vendors.script(f"AC-{desk.workspace_id}/", Scripted(401, {"code": 20003}))
    receipt = await desk.reply(await desk.ticket("texts"))

    async def held() -> bool:
        (listed,) = await desk.listed(state="queued")
        return str(listed["last_error"]) == "the provider does not accept the account (Twilio: 20003)"

    await eventually(held)
    await desk.reply(await desk.ticket("texts", {"phone": "+4930999999"}), "Another one")
    assert len(desk.vendors.about(f"AC-{desk.workspace_id}/")) == 1
    whatsapp = await desk.reply(await desk.ticket("whatsapp"))
    await desk.until(whatsapp, "sent")
    assert (await desk.delivery(receipt["message"]["message_id"]))["state"] == "queued"
    # What waits is counted, for who watches the installation.
    await desk.system.services["intake"].app.state.outbound.counting.count()
    metrics = (await desk.http.get("/metrics")).text
    assert not any(f'deliveries_waiting{{channel_kind="sms"}} {number}.0' in metrics for number in (0, 1))
    assert 'waypost_deliveries_waiting{channel_kind="sms"}' in metrics


async def test_a_vendor_that_does_not_answer_holds_up_no_other(desk: Desk) -> None:
    never = asyncio.Event()

    async def silence() -> None:
        await never.wait()

    # More than may be under way by one channel, and a good many channels.
    texts = [f"{desk.words}{number}." for number in range(12)]
    for said in texts:
        desk.vendors.script(said, Scripted(before=silence))
    for number, said in enumerate(texts):
        await desk.reply(await desk.ticket("texts", {"phone": f"+49309000{number:02}"}), said)

    async def stuck() -> bool:
        return len(desk.vendors.about(desk.words)) >= 8

    await eventually(stuck)
    began = monotonic()
    await desk.until(await desk.reply(await desk.ticket("whatsapp"), f"Quick {desk.workspace_id}"), "sent")
    neighbour = await Desk.open(desk.system, desk.vendors, f"{desk.workspace_id}-next")
    await neighbour.until(await neighbour.reply(await neighbour.ticket("texts")), "sent")
    assert monotonic() - began < 5
    assert len(desk.vendors.about(desk.words)) == 8
    never.set()


async def test_no_more_leaves_a_second_than_is_configured(desk: Desk) -> None:
    await desk.configure(*desk.channels(max_per_second=4))
    began = monotonic()
    receipts = [
        await desk.reply(await desk.ticket("texts", {"phone": f"+49309000{number:02}"}), f"{desk.words}{number}.")
        for number in range(10)
    ]
    for receipt in receipts:
        await desk.until(receipt, "sent")
    # A burst of four, then four a second.
    assert monotonic() - began >= (10 - 4) / 4 - 0.1


async def test_files_are_refused_at_once_where_they_cannot_leave(desk: Desk) -> None:
    files = {"attachment_ids": ["01900000-0000-7000-8000-000000000000"]}
    answer = await desk.try_reply(await desk.ticket("texts"), "x", **files)
    refused(answer, 422, "invalid-input")
    assert answer.json()["errors"] == [{"pointer": "/attachment_ids", "detail": "files leave by mail only"}]
    # Where answers are fetched, files are fetched with them.
    answer = await desk.try_reply(await desk.ticket("api"), "x", **files)
    assert answer.json()["errors"] == [{"pointer": "/attachment_ids/0", "detail": "does not wait"}]


async def test_a_text_of_too_many_parts_is_refused_at_once(desk: Desk) -> None:
    ticket_id = await desk.ticket("texts")
    receipt = await desk.reply(ticket_id, "ç" * 135)
    assert receipt["segments"] == {"encoding": "ucs-2", "count": 3}
    answer = await desk.try_reply(ticket_id, "ç" * 671)
    refused(answer, 422, "invalid-input")
    assert answer.json()["errors"] == [{"pointer": "/text", "detail": "the text is longer than 10 segments"}]


async def test_what_a_customer_opted_out_of_is_not_sent(desk: Desk) -> None:
    ticket_id = await desk.ticket("texts")
    added = text("INSERT INTO opt_out VALUES (:workspace, 'texts', 'phone', :phone, clock_timestamp())")
    named = {"workspace": desk.workspace_id, "phone": desk.phone}

    async def opt_out(tx: Tx) -> None:
        await tx.execute(added, named)

    await desk.database.transact(opt_out, workspaces=[desk.workspace_id])
    delivery = await desk.until(await desk.reply(ticket_id), "failed")
    assert (delivery["last_error"], delivery["attempts"]) == ("the customer has opted out", 1)
    assert desk.vendors.about(f"AC-{desk.workspace_id}/") == []
    # By another channel, and to another number, nobody has opted out.
    await desk.until(await desk.reply(await desk.ticket("whatsapp")), "sent")
    await desk.until(await desk.reply(await desk.ticket("texts", {"phone": "+4930999999"})), "sent")
    # What would leave by itself is not even written.
    part = {"channels": [{**desk.channels()[1], "notices": {"solved": "done"}}], "templates": TEMPLATES}
    configured = await desk.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
    assert configured.status_code == 200, configured.text
    await desk.http.patch(f"/v1/tickets/{ticket_id}", json={"status": "solved"}, headers={"If-Match": "*"})

    async def withheld() -> bool:
        return await outcomes(desk.system, desk.workspace_id) == [("solved", "withheld", "opted_out")]

    await eventually(withheld)


async def test_templates_are_whatsapp_s_alone(desk: Desk) -> None:
    template = {"name": "hello", "language": "de"}
    answer = await desk.try_reply(await desk.ticket("texts"), "Hello", whatsapp_template=template)
    refused(answer, 422, "invalid-input")


@pytest.mark.parametrize("kind", [ChannelKind.SMS, ChannelKind.WHATSAPP])
async def test_time_passes(
    kind: ChannelKind, stack: Stack, templates: Templates, tmp_path: Path, vendors: Vendors, workspace_id: str
) -> None:
    """What lasts a day: WhatsApp's window, and our patience with who never takes a text."""
    async with start(
        stack,
        ("intake",),
        prefix=f"day_{kind}",
        templates=templates,
        folder=tmp_path,
        twilio_url=vendors.url,
        meta_url=vendors.url,
    ) as system:
        desk = await Desk.open(system, vendors, workspace_id)
        if kind is ChannelKind.WHATSAPP:
            ticket_id = await desk.ticket("whatsapp")
            # Queued within the window, and still waiting when it closes.
            vendors.script(desk.words, Scripted(429, {}, {"retry-after": "3600"}))
            waiting = await desk.reply(ticket_id)

            async def held() -> bool:
                return (await desk.delivery(waiting["message"]["message_id"]))["last_error"] is not None

            await eventually(held)
            await system.travel(timedelta(hours=24))
            assert (await desk.until(waiting, "failed"))["last_error"] == OUTSIDE_WINDOW
            answer = await desk.try_reply(ticket_id, "Too late")
            assert refused(answer, 422, "invalid-input")["detail"] == f"{OUTSIDE_WINDOW}."
            await desk.until(
                await desk.reply(ticket_id, whatsapp_template={"name": "hello", "language": "de"}), "sent"
            )
            await desk.ticket("whatsapp", text="Still there?")
            await desk.until(await desk.reply(ticket_id, "In time"), "sent")
        else:
            vendors.script(desk.words, *[Scripted(500, {})] * 20)
            receipt = await desk.reply(await desk.ticket("texts"))
            await vendors.until(desk.words)
            await system.travel(give_up_after(kind) + timedelta(minutes=1))
            delivery = await desk.until(receipt, "failed")
            assert delivery["last_error"] == "the provider fails (Twilio: 500)"
