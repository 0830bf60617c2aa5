"""Mail on its way in: by HTTP, SMTP and LMTP."""

import asyncio

import aiosmtplib
import pytest

from tests.eventually import eventually
from tests.integration.intake.mail.conftest import LARGEST
from tests.integration.intake.mail.post import Post, mail_of
from tests.integration.intake.mail.wire import Wire, lmtp_wire, smtp_wire
from tests.integration.intake.office import refused
from tests.system import System
from tests.unit.intake.mails import SLOW_BODY, SLOW_TYPE


async def test_a_mail_by_http_opens_a_ticket(post: Post) -> None:
    receipt = await post.post(post.raw())
    assert receipt["disposition"] == "opened"
    (ticket,) = await post.tickets()
    assert (ticket["ticket_id"], ticket["number"]) == (receipt["ticket_id"], receipt["ticket_number"])
    assert (ticket["subject"], ticket["channel"], ticket["channel_kind"]) == (
        "It does not print",
        "support",
        "email",
    )
    (message,) = await post.messages(receipt["ticket_id"])
    assert message["message_id"] == receipt["message_id"]
    assert (message["author_id"], message["author_name"]) == (post.ada, "Ada Lovelace")
    assert (message["text_new"], message["sent_at"]) == ("Please help.", "2026-03-12T09:15:00Z")
    assert message["delivered_to"] == [post.support]


async def test_a_mail_by_smtp_opens_a_ticket(post: Post) -> None:
    await post.smtp(post.raw())
    (ticket,) = await post.until_tickets(1)
    (message,) = await post.messages(ticket["ticket_id"])
    assert message["text_new"] == "Please help."


async def test_a_mail_by_lmtp_opens_a_ticket_and_each_recipient_has_an_answer(post: Post) -> None:
    wire = await lmtp_wire(post)
    assert (await wire.say(f"RCPT TO:<{post.support}>")).startswith("250")
    assert (await wire.say(f"RCPT TO:<nobody@{post.workspace_id}.example>")).startswith("550")
    assert (await wire.say(f"RCPT TO:<{post.sales}>")).startswith("250")
    answers = await wire.data(post.raw() + b"\r\n.\r\n", answers=2)
    assert [answer[:3] for answer in answers] == ["250", "250"]
    await wire.close()
    (ticket,) = await post.until_tickets(1)
    (message,) = await post.messages(ticket["ticket_id"])
    assert message["delivered_to"] == [post.support, post.sales]


async def test_a_mail_that_comes_again_is_one_message_whatever_way_it_comes(post: Post) -> None:
    first = await post.post(post.raw())
    again = await post.try_post(b"Received: from a by b\r\n" + post.raw())
    assert again.status_code == 200
    assert again.json() == {**first, "disposition": "duplicate"}
    await post.smtp(post.raw())
    await post.smtp(post.raw(Message_ID=f"<2@{post.workspace_id}>"))
    await post.until_tickets(2)
    assert len(await post.messages(first["ticket_id"])) == 1


async def test_copies_that_come_at_once_are_one_message(post: Post) -> None:
    await asyncio.gather(*(post.smtp(post.raw()) for _ in range(10)))
    answer = await post.try_post(post.raw())
    assert answer.json()["disposition"] == "duplicate"
    assert len(await post.tickets()) == 1


async def test_a_mail_to_two_of_our_addresses_is_one_message(post: Post) -> None:
    await post.smtp(post.raw(), post.support, post.sales)
    (ticket,) = await post.until_tickets(1)
    (message,) = await post.messages(ticket["ticket_id"])
    assert (message["channel"], message["delivered_to"]) == ("support", [post.support, post.sales])


async def test_a_mail_brought_to_one_address_after_the_other_is_one_message(post: Post) -> None:
    first = await post.post(post.raw(To=f"{post.support}, {post.sales}"), recipient=post.support)
    second = await post.try_post(post.raw(To=f"{post.support}, {post.sales}"), "sales", recipient=post.sales)
    assert second.json() == {**first, "disposition": "duplicate"}
    (message,) = await post.messages(first["ticket_id"])
    assert sorted(message["delivered_to"]) == [post.sales, post.support]


async def test_a_mail_to_two_workspaces_is_a_message_of_each(mail_system: System, post: Post) -> None:
    other = await Post.open(mail_system, post.sink, f"{post.workspace_id}-other")
    await post.smtp(post.raw(), post.support, other.support)
    for office in (post, other):
        (ticket,) = await office.until_tickets(1)
        (message,) = await office.messages(ticket["ticket_id"])
        assert message["delivered_to"] == [office.support]


async def test_whatever_stands_behind_a_plus_reaches_the_channel(post: Post) -> None:
    local, _, domain = post.support.partition("@")
    await post.smtp(post.raw(), f"{local.upper()}+Anything@{domain}")
    (ticket,) = await post.until_tickets(1)
    assert ticket["channel"] == "support"


async def test_nobody_elses_address_is_taken(post: Post) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refusal:
        await post.smtp(post.raw(), f"nobody@{post.workspace_id}.example")
    assert refusal.value.recipients[0].code == 550


async def test_a_recipient_of_another_does_not_hinder_ours(post: Post) -> None:
    wire = await smtp_wire(post)
    assert (await wire.say("RCPT TO:<nobody@nowhere.example>")).startswith("550")
    assert (await wire.say(f"RCPT TO:<{post.support}>")).startswith("250")
    assert await wire.data(post.raw() + b"\r\n.\r\n") == ["250 2.0.0 Accepted"]
    await wire.close()
    await post.until_tickets(1)


async def test_a_null_sender_is_taken(post: Post) -> None:
    wire = await Wire.open(mail_of(post.system).listeners.ports["smtp"])
    await wire.say("EHLO tests")
    assert (await wire.say("MAIL FROM:<>")).startswith("250")
    assert (await wire.say(f"RCPT TO:<{post.support}>")).startswith("250")
    assert (await wire.data(post.raw() + b"\r\n.\r\n"))[0].startswith("250")
    await wire.close()
    (ticket,) = await post.until_tickets(1)
    (message,) = await post.messages(ticket["ticket_id"])
    assert message["machine"] == "auto_generated"


@pytest.mark.parametrize("gap", [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n\0.\r\n"])
async def test_no_second_mail_is_smuggled_in_the_first(post: Post, gap: bytes) -> None:
    smuggled = (
        b"mail from:<eve@example.org>\r\nrcpt to:<"
        + post.support.encode()
        + b">\r\ndata\r\nSubject: Evil\r\n\r\nEvil"
    )
    wire = await smtp_wire(post)
    await wire.say(f"RCPT TO:<{post.support}>")
    assert len(await wire.data(post.raw() + gap + smuggled + b"\r\n.\r\n")) == 1
    assert (await wire.say("NOOP")).startswith("250")
    await wire.close()
    (ticket,) = await post.until_tickets(1)
    (message,) = await post.messages(ticket["ticket_id"])
    assert "Evil" in message["text"]
    assert message["author_id"] == post.ada


async def test_several_mails_travel_on_one_connection(post: Post) -> None:
    wire = await smtp_wire(post)
    for number in range(3):
        await wire.say("RSET")
        await wire.say(f"MAIL FROM:<{post.ada}>")
        await wire.say(f"RCPT TO:<{post.support}>")
        raw = post.raw(Message_ID=f"<{number}@x>")
        assert (await wire.data(raw + b"\r\n.\r\n"))[0].startswith("250")
    await wire.close()
    await post.until_tickets(3)


async def test_mails_of_one_sender_are_received_in_their_order(post: Post) -> None:
    wire = await smtp_wire(post)
    for number in range(12):
        await wire.say("RSET")
        await wire.say(f"MAIL FROM:<{post.ada}>")
        await wire.say(f"RCPT TO:<{post.support}>")
        # The first ones take longer to read.
        body = "\n".join(["word"] * (12 - number) * 2000)
        await wire.data(post.raw(body, Subject=str(number), Message_ID=f"<{number}@x>") + b"\r\n.\r\n")
    await wire.close()
    tickets = await post.until_tickets(12)
    in_order = sorted(tickets, key=lambda ticket: int(ticket["number"]))
    assert [ticket["subject"] for ticket in in_order] == [str(number) for number in range(12)]


async def test_too_large_a_mail_is_refused_at_each_door(post: Post) -> None:
    raw = post.raw("\n".join(["x" * 70] * (LARGEST // 70)))
    refused(await post.try_post(raw), 413, "too-large")
    with pytest.raises(aiosmtplib.SMTPResponseException) as refusal:
        await post.smtp(raw)
    assert refusal.value.code == 552
    for opened in (smtp_wire, lmtp_wire):
        wire = await opened(post)
        await wire.say(f"RCPT TO:<{post.support}>")
        await wire.say(f"RCPT TO:<{post.sales}>")
        answers = await wire.data(raw + b"\r\n.\r\n", answers=2 if opened is lmtp_wire else 1)
        assert {answer[:3] for answer in answers} == {"552"}
        assert (await wire.say("NOOP")).startswith("250")
        await wire.close()


async def test_a_large_mail_is_taken_over_http_though_other_bodies_are_smaller(post: Post) -> None:
    receipt = await post.post(post.raw("word " * 300_000))
    (message,) = await post.messages(receipt["ticket_id"])
    assert len(message["text"]) == 500_000


async def test_long_lines_are_taken(post: Post) -> None:
    await post.smtp(post.raw("x" * 20_000))
    await post.until_tickets(1)


async def test_what_is_no_mail_is_refused(post: Post) -> None:
    answer = await post.http.post("/v1/channels/support/email", content=b"{}")
    refused(answer, 415, "unsupported-media-type")
    refused(await post.try_post(b""), 422, "invalid-input")
    refused(await post.try_post(post.raw(), "nowhere"), 404, "not-found")
    refused(await post.try_post(post.raw(), sender="not an address"), 422, "invalid-request")
    await post.configure({"id": "support", "kind": "email", "address": post.support}, {"id": "api", "kind": "api"})
    refused(await post.try_post(post.raw(), "api"), 422, "invalid-input")
    tool = await post.system.http("intake", post.workspace_id, "tickets:write")
    answer = await tool.post(
        "/v1/channels/support/email", content=post.raw(), headers={"Content-Type": "message/rfc822"}
    )
    refused(answer, 403, "not-allowed")
    assert await post.tickets() == []


async def test_a_repeated_request_has_the_first_answer(post: Post) -> None:
    headers = {"Content-Type": "message/rfc822", "Idempotency-Key": "k-1"}
    route = "/v1/channels/support/email"
    answers = await asyncio.gather(*(post.http.post(route, content=post.raw(), headers=headers) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    other = await post.http.post(route, content=post.raw("other"), headers=headers)
    refused(other, 422, "invalid-input")
    assert len(await post.tickets()) == 1


async def test_a_slow_mail_is_accepted_and_told_of_later(post: Post) -> None:
    raw = post.raw(SLOW_BODY, Content_Type=SLOW_TYPE)
    answer = await post.try_post(raw)
    assert answer.status_code == 202
    assert (answer.json()["disposition"], answer.json()["ticket_id"]) == ("accepted", None)

    async def quarantined() -> bool:
        return [item["id"] for item in await post.quarantine()] == [answer.json()["message_id"]]

    # All the time that a mail may have.
    await eventually(quarantined, within_s=25)


async def test_a_text_whose_charset_nobody_knows_says_that_it_may_be_damaged(post: Post) -> None:
    receipt = await post.post(post.raw("1 +AD4- 0", Content_Type="text/plain; charset=utf-7"))
    await post.post(
        post.raw("1 > 0", Message_ID=f"<2@{post.workspace_id}>", In_Reply_To=f"<1@{post.workspace_id}>")
    )
    messages = await post.messages(receipt["ticket_id"])
    assert [message["is_damaged"] for message in messages] == [True, False]


async def test_a_channel_with_its_own_tickets_gets_its_own_message(post: Post) -> None:
    await post.configure(
        {"id": "support", "kind": "email", "address": post.support},
        {"id": "sales", "kind": "email", "address": post.sales, "own_tickets": True},
    )
    raw = post.raw(Cc=post.sales)
    await post.smtp(raw, post.support, post.sales)
    tickets = {ticket["channel"]: ticket["ticket_id"] for ticket in await post.until_tickets(2)}
    for channel, address in (("support", post.support), ("sales", post.sales)):
        (message,) = await post.messages(tickets[channel])
        assert message["delivered_to"] == [address]
        again = await post.post(raw, channel)
        assert (again["disposition"], again["ticket_id"]) == ("duplicate", tickets[channel])
        answer = post.raw(
            "And this.",
            Cc=post.sales,
            Message_ID=f"<2@{post.workspace_id}>",
            In_Reply_To=f"<1@{post.workspace_id}>",
        )
        joined = await post.post(answer, channel)
        assert (joined["disposition"], joined["ticket_id"]) == ("appended", tickets[channel])
        (_, message) = await post.messages(tickets[channel])
        assert message["delivered_to"] == [address]
