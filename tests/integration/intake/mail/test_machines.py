"""Mail that machines write: it is recorded, and sets nothing off."""

from services.intake.adapters.email.reachability import is_deliverable
from tests.integration.intake.mail.post import Json, Post
from tests.integration.intake.mail.sink import Kept
from tests.integration.intake.scan import tables_with
from tests.unit.intake.mails import multipart, text_part


async def opened(post: Post) -> Json:
    return await post.post(post.raw())


async def answered(post: Post) -> tuple[str, Json, Kept]:
    """A ticket, an agent's reply, and its mail."""
    ticket_id = (await opened(post))["ticket_id"]
    reply = await post.reply(ticket_id)
    (kept,) = await post.until_sent()
    await post.until_delivery(ticket_id, reply["message_id"], "sent")
    return ticket_id, reply, kept


async def known_of(post: Post, address: str) -> Json:
    """An address as its customer's resource shows it."""
    answer = await post.http.get("/v1/customers", params={"identity": address})
    (customer,) = answer.json()["items"]
    shown = (await post.http.get(f"/v1/customers/{customer['customer_id']}")).json()
    assert shown == customer
    flags = [item for item in shown["flagged_addresses"] if item.pop("value") == address]
    return {name: value for item in flags for name, value in item.items() if value is not None}


async def can_be_mailed(post: Post, address: str) -> bool:
    database = post.system.services["intake"].runtime.database
    return await database.transact(
        lambda tx: is_deliverable(tx, post.workspace_id, address), workspaces=[post.workspace_id]
    )


def complaint_of(post: Post, rfc_id: str) -> bytes:
    return multipart(
        "report; report-type=feedback-report",
        text_part("This is an abuse report."),
        "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: tests/1\nVersion: 1\n",
        f"Content-Type: message/rfc822\n\nMessage-ID: {rfc_id}\nSubject: Re: x\n\nHello",
        From="feedback@isp.example",
        To=post.support,
        Message_ID="<complaint@isp.example>",
    )


def bounce_of(post: Post, rfc_id: str, action: str = "failed", status: str = "5.1.1") -> bytes:
    return multipart(
        "report; report-type=delivery-status",
        text_part("Your message could not be delivered."),
        f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nAction: {action}\nStatus: {status}\n",
        f"Content-Type: message/rfc822\n\nMessage-ID: {rfc_id}\nSubject: Re: x\n\nHello",
        From="Mail Delivery System <mailer-daemon@mx.example>",
        To=post.support,
        Message_ID=f"<bounce-{action}@mx.example>",
    )


async def test_a_bounce_is_recorded_at_the_reply_and_opens_nothing(post: Post) -> None:
    ticket_id = (await opened(post))["ticket_id"]
    reply = await post.reply(ticket_id)
    (kept,) = await post.until_sent()
    await post.until_delivery(ticket_id, reply["message_id"], "sent")
    bounce = bounce_of(post, str(kept.mail["Message-ID"]))
    await post.smtp(bounce, str(kept.mail["Reply-To"]), sender="")
    delivery = await post.until_delivery(ticket_id, reply["message_id"], "bounced")
    assert delivery["last_error"] == "bounced: 5.1.1"
    await post.post(bounce.replace(b"<bounce-failed@", b"<bounce-again@"))
    (loss,) = [event for event in await post.events(ticket_id) if event["type"] == "message.delivery_failed"]
    assert loss["data"] == {
        "message_id": reply["message_id"],
        "channel": "support",
        "state": "bounced",
    }
    assert len(await post.tickets()) == 1
    assert len(await post.messages(ticket_id)) == 2


async def test_what_a_bounce_says_in_its_own_words_outlives_nobody(post: Post) -> None:
    canary = "zyzzyva"
    ticket_id, reply, kept = await answered(post)
    bounce = bounce_of(post, str(kept.mail["Message-ID"]), status=canary).replace(
        b"Subject: ", f"Subject: Undeliverable: Re: {canary} ".encode()
    )
    told = f"Final-Recipient: rfc822; {post.ada}\r\nAction:".encode()
    for number, status in enumerate((b"Status: ", b"X-Nothing: ")):
        again = bounce.replace(b"Action:", told).replace(b"<bounce-failed@", b"<bounce-%d@" % number)
        await post.post(again.replace(b"Status: ", status), sender="mailer-daemon@mx.example")
    delivery = await post.until_delivery(ticket_id, reply["message_id"], "bounced")
    assert delivery["last_error"] == "bounced"
    assert await tables_with(post.system, post.workspace_id, canary)
    customer_id = (await post.ticket(ticket_id))["customer_id"]
    assert (await post.http.delete(f"/v1/customers/{customer_id}")).status_code == 204
    # The report's parts, which are files of no message, are left to whoever sweeps.
    assert set(await tables_with(post.system, post.workspace_id, canary)) <= {"blob"}
    assert [event["type"] for event in await post.events(ticket_id)].count("message.delivery_failed") == 1


async def test_a_bounce_tells_nothing_of_what_was_erased(post: Post) -> None:
    ticket_id, reply, kept = await answered(post)
    customer_id = (await post.ticket(ticket_id))["customer_id"]
    assert (await post.http.delete(f"/v1/customers/{customer_id}")).status_code == 204
    receipt = await post.post(bounce_of(post, str(kept.mail["Message-ID"])), sender="mailer-daemon@mx.example")
    assert (receipt["disposition"], receipt["reason"]) == ("dropped", "bounce_hard")
    delivery = await post.until_delivery(ticket_id, reply["message_id"], "sent")
    assert delivery["last_error"] is None
    assert "message.delivery_failed" not in {event["type"] for event in await post.events(ticket_id)}


async def test_a_server_that_still_tries_is_no_bounce(post: Post) -> None:
    ticket_id = (await opened(post))["ticket_id"]
    reply = await post.reply(ticket_id)
    (kept,) = await post.until_sent()
    await post.until_delivery(ticket_id, reply["message_id"], "sent")
    raw = bounce_of(post, str(kept.mail["Message-ID"]), "delayed", "4.4.1")
    receipt = await post.post(raw, sender="mailer-daemon@mx.example")
    assert (receipt["disposition"], receipt["reason"]) == ("dropped", "bounce_soft")
    delivery = await post.until_delivery(ticket_id, reply["message_id"], "sent")
    assert delivery["last_error"] == "bounced: 4.4.1"


async def test_a_hard_bounce_flags_the_address_until_its_owner_writes_again(post: Post) -> None:
    _, _, kept = await answered(post)
    bounce = bounce_of(post, str(kept.mail["Message-ID"]))
    assert (await post.post(bounce))["reason"] == "bounce_hard"
    known = await known_of(post, post.ada)
    assert (known["undeliverable_reason"], sorted(known)) == (
        "bounced: 5.1.1",
        ["undeliverable_reason", "undeliverable_since"],
    )
    assert not await can_be_mailed(post, post.ada)
    # What a machine of hers says is no sign of her.
    away = post.raw("I am away.", Auto_Submitted="auto-replied", Message_ID="<2@x>", To=str(kept.mail["Reply-To"]))
    assert (await post.post(away))["disposition"] == "appended"
    assert not await can_be_mailed(post, post.ada)
    await post.post(post.raw("I am here.", Message_ID="<3@x>"))
    assert await known_of(post, post.ada) == {}
    assert await can_be_mailed(post, post.ada)
    # The same bounce again says nothing new.
    assert (await post.post(bounce))["reason"] == "bounce_hard"
    assert await can_be_mailed(post, post.ada)


async def test_a_bounce_flags_whom_we_mailed_and_nobody_else(post: Post) -> None:
    eve = await post.post(post.raw(Message_ID="<eve@x>", From="eve@evil.example"))
    reply = await post.reply(eve["ticket_id"])
    await post.until_delivery(eve["ticket_id"], reply["message_id"], "sent")
    kept = (await post.until_sent(to="eve@evil.example"))[0]
    post.sink.kept["eve@evil.example"].clear()
    await opened(post)
    forged = bounce_of(post, str(kept.mail["Message-ID"])).replace(
        b"Action:", f"Final-Recipient: rfc822; {post.ada}\r\nAction:".encode()
    )
    await post.post(forged)
    assert await can_be_mailed(post, post.ada)
    assert not await can_be_mailed(post, "eve@evil.example")


async def test_a_server_that_may_yet_deliver_flags_no_address(post: Post) -> None:
    _, _, kept = await answered(post)
    await post.post(bounce_of(post, str(kept.mail["Message-ID"]), "delayed", "4.4.1"))
    assert await known_of(post, post.ada) == {}


async def test_a_complaint_ends_automatic_mail_to_the_address(post: Post) -> None:
    ticket_id, reply, kept = await answered(post)
    receipt = await post.post(complaint_of(post, str(kept.mail["Message-ID"])))
    assert (receipt["disposition"], receipt["reason"]) == ("dropped", "complaint")
    assert list(await known_of(post, post.ada)) == ["do_not_mail_since"]
    delivery = await post.until_delivery(ticket_id, reply["message_id"], "sent")
    assert delivery["last_error"] == "complaint"
    # That she writes takes nothing back.
    await post.post(post.raw("I am here.", Message_ID="<3@x>"))
    assert not await can_be_mailed(post, post.ada)


async def test_a_bounce_of_what_we_never_sent_is_dropped(post: Post) -> None:
    receipt = await post.post(bounce_of(post, "<never@acme.example>"))
    assert (receipt["disposition"], receipt["reason"]) == ("dropped", "bounce_hard")
    assert await post.tickets() == []


async def test_a_forged_bounce_marks_nothing(post: Post) -> None:
    ticket_id = (await opened(post))["ticket_id"]
    reply = await post.reply(ticket_id)
    await post.until_delivery(ticket_id, reply["message_id"], "sent")
    forged = f"<{reply['message_id'].replace('-', '')}.{'a' * 18}@x>"
    await post.post(bounce_of(post, forged))
    await post.until_delivery(ticket_id, reply["message_id"], "sent")


async def test_an_automatic_answer_joins_its_ticket_and_reopens_nothing(post: Post) -> None:
    ticket_id = (await opened(post))["ticket_id"]
    await post.reply(ticket_id, status="solved")
    (kept,) = await post.until_sent()
    answers = {"Message_ID": "<2@x>", "In_Reply_To": str(kept.mail["Message-ID"])}
    receipt = await post.post(post.raw("I am away.", Auto_Submitted="auto-replied", **answers))
    assert (receipt["disposition"], receipt["ticket_id"]) == ("appended", ticket_id)
    assert (await post.ticket(ticket_id))["status"] == "solved"
    assert (await post.messages(ticket_id))[2]["machine"] == "auto_reply"


async def test_an_automatic_answer_to_nothing_opens_nothing(post: Post) -> None:
    receipt = await post.post(post.raw(Auto_Submitted="auto-replied"))
    assert (receipt["disposition"], receipt["reason"], receipt["ticket_id"]) == ("dropped", "auto_reply", None)
    assert await post.tickets() == []


async def test_a_form_or_a_monitor_opens_a_ticket(post: Post) -> None:
    receipt = await post.post(post.raw(Auto_Submitted="auto-generated", Reply_To="visitor@example.org"))
    assert receipt["disposition"] == "opened"
    await post.reply(receipt["ticket_id"])
    (kept,) = await post.until_sent(to="visitor@example.org")
    assert kept.mail["To"] == "visitor@example.org"
    post.sink.kept["visitor@example.org"].clear()


async def test_lists_open_where_the_channel_allows_lists(post: Post) -> None:
    news = {"List_Id": "<news.example>", "Precedence": "bulk"}
    receipt = await post.post(post.raw(**news))
    assert (receipt["disposition"], receipt["reason"]) == ("dropped", "bulk")
    await post.configure({"id": "support", "kind": "email", "address": post.support, "allows_lists": True})
    receipt = await post.post(post.raw(Message_ID="<2@x>", **news))
    assert receipt["disposition"] == "opened"


async def test_our_own_mail_that_comes_back_is_quarantined(post: Post) -> None:
    ticket_id = (await opened(post))["ticket_id"]
    await post.reply(ticket_id)
    (kept,) = await post.until_sent()
    receipt = await post.post(kept.raw)
    assert receipt["disposition"] == "quarantined"
    assert receipt["reason"].startswith("loop")
    # As a customer's server forwards it: with another sender.
    forwarded = kept.raw.replace(b"From: ", f"From: {post.ada}\r\nX-From: ".encode(), 1)
    receipt = await post.post(forwarded.replace(b"Message-ID: <", b"Message-ID: <x"))
    assert receipt["disposition"] == "quarantined"
    assert len(await post.messages(ticket_id)) == 2


async def test_mail_that_goes_round_in_circles_is_quarantined(post: Post) -> None:
    raw = b"".join(b"Received: from a by b\r\n" for _ in range(60)) + post.raw()
    assert (await post.post(raw))["disposition"] == "quarantined"
