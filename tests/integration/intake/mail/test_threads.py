"""Which ticket a mail joins."""

from email.message import EmailMessage

import pytest

from services.intake.domain.reply_token import issue_token, reply_address
from tests.integration.intake.mail.post import Json, Post, mail_of
from tests.system import System
from tests.unit.intake.mails import multipart, text_part


async def opened(post: Post) -> tuple[str, EmailMessage]:
    """A ticket and the mail of an agent's answer to it, as the customer has it."""
    receipt = await post.post(post.raw())
    await post.reply(receipt["ticket_id"])
    (kept,) = await post.until_sent()
    return receipt["ticket_id"], kept.mail


async def answered(post: Post, /, body: str = "It is on.", sender: str | None = None, **headers: str) -> Json:
    """What becomes of the customer's next mail."""
    other = {"From": sender} if sender else {}
    return await post.post(post.raw(body, Message_ID=f"<2@{post.workspace_id}>", **other, **headers))


async def test_an_answer_to_our_reply_address_joins_the_ticket(post: Post) -> None:
    ticket_id, mail = await opened(post)
    receipt = await answered(post, To=str(mail["Reply-To"]), Subject="something else")
    assert (receipt["disposition"], receipt["ticket_id"]) == ("appended", ticket_id)
    assert [message["text_new"] for message in await post.messages(ticket_id)] == [
        "Please help.",
        "Please switch it on.",
        "It is on.",
    ]


async def test_the_envelope_alone_says_to_which_ticket_a_mail_belongs(post: Post) -> None:
    ticket_id, mail = await opened(post)
    await post.smtp(post.raw("It is on.", Message_ID="<2@x>"), str(mail["Reply-To"]).upper())
    assert (await post.until_messages(ticket_id, 3))[2]["text_new"] == "It is on."


@pytest.mark.parametrize("header", ["In_Reply_To", "References"])
async def test_an_answer_to_our_mail_joins_the_ticket(post: Post, header: str) -> None:
    ticket_id, mail = await opened(post)
    receipt = await answered(post, **{header: str(mail["Message-ID"])})
    assert (receipt["disposition"], receipt["ticket_id"]) == ("appended", ticket_id)


@pytest.mark.parametrize("header", ["In_Reply_To", "References"])
async def test_an_answer_to_the_customers_own_mail_joins_the_ticket(post: Post, header: str) -> None:
    first = await post.post(post.raw())
    receipt = await answered(post, **{header: f"<0@elsewhere> <1@{post.workspace_id}>"})
    assert (receipt["disposition"], receipt["ticket_id"]) == ("appended", first["ticket_id"])


async def test_an_answer_that_overtakes_nothing_joins_its_ticket_though_both_come_at_once(post: Post) -> None:
    await post.smtp(post.raw())
    await post.smtp(post.raw("And paper?", Message_ID="<2@x>", In_Reply_To=f"<1@{post.workspace_id}>"))
    (ticket,) = await post.until_tickets(1)
    assert len(await post.until_messages(ticket["ticket_id"], 2)) == 2


async def test_a_mail_that_was_overtaken_by_its_answer_joins_the_answers_ticket(post: Post) -> None:
    first = f"<1@{post.workspace_id}>"
    bob = f"bob@{post.workspace_id}.example.org"
    receipts = [
        await post.post(post.raw("And paper?", Message_ID="<2@x>", In_Reply_To=first, Cc=bob)),
        await post.post(post.raw("I do not know.", Message_ID="<3@x>", From=bob, References=f"{first} <lost@x>")),
        await post.post(post.raw()),
    ]
    assert [receipt["disposition"] for receipt in receipts] == ["opened", "appended", "appended"]
    assert len({receipt["ticket_id"] for receipt in receipts}) == 1
    assert all(message["is_public"] for message in await post.messages(receipts[0]["ticket_id"]))


async def test_who_was_written_to_takes_part_and_their_mail_is_public(post: Post) -> None:
    bob = f"bob@{post.workspace_id}.example.org"
    first = await post.post(post.raw(Cc=f"Bob <{bob.upper()}>"))
    await post.reply(first["ticket_id"], status="pending")
    (kept,) = await post.until_sent()
    answer = await answered(post, "It is on.", sender=bob, To=str(kept.mail["Reply-To"]))
    assert (answer["ticket_id"], answer["reason"]) == (first["ticket_id"], None)
    assert (await post.messages(first["ticket_id"]))[2]["is_public"]
    assert (await post.ticket(first["ticket_id"]))["status"] == "open"


async def test_the_tag_in_a_subject_counts_for_who_takes_part_only(post: Post) -> None:
    ticket_id, mail = await opened(post)
    receipt = await answered(post, Subject=f"AW: {mail['Subject']}")
    assert (receipt["disposition"], receipt["ticket_id"]) == ("appended", ticket_id)
    stranger = post.raw(Message_ID="<3@x>", From="eve@evil.example", Subject=str(mail["Subject"]))
    assert (await post.post(stranger))["disposition"] == "opened"


async def test_a_mail_that_points_to_two_tickets_joins_the_first_and_says_so(post: Post) -> None:
    ticket_id, mail = await opened(post)
    other = await post.post(post.raw("Another matter.", Message_ID="<other@x>"))
    receipt = await answered(post, To=str(mail["Reply-To"]), In_Reply_To="<other@x>")
    assert receipt["ticket_id"] == ticket_id
    ticket = await post.ticket(ticket_id)
    assert ticket["labels"] == {"also_points_to": str(other["ticket_number"])}
    assert ticket["sources"]["labels/also_points_to"] == "system"


async def test_old_mail_that_somebody_forwards_points_nowhere(post: Post) -> None:
    _, mail = await opened(post)
    forwarded = multipart(
        "mixed",
        text_part("What is this?"),
        f"Content-Type: message/rfc822\n\nMessage-ID: {mail['Message-ID']}\nSubject: x\n\nHello",
        From=post.ada,
        To=post.support,
        Message_ID="<2@x>",
    )
    assert (await post.post(forwarded))["disposition"] == "opened"


async def test_the_same_subject_joins_only_where_the_channel_says_so(post: Post) -> None:
    await post.post(post.raw())
    assert (await answered(post, Subject="Re: It does not print"))["disposition"] == "opened"
    by_subject = {"id": "support", "kind": "email", "address": post.support, "thread_by_subject": True}
    await post.configure(by_subject)
    receipt = await post.post(post.raw(Message_ID="<3@x>", Subject="AW: it does not  print"))
    assert (receipt["disposition"], receipt["ticket_number"]) == ("appended", 2)
    stranger = post.raw(Message_ID="<4@x>", From="eve@evil.example")
    assert (await post.post(stranger))["disposition"] == "opened"
    other = post.raw(Message_ID="<5@x>", Subject="Another matter")
    assert (await post.post(other))["disposition"] == "opened"


async def test_answers_to_a_closed_ticket_end_in_one_that_follows_it(post: Post) -> None:
    ticket_id, mail = await opened(post)
    await post.http.patch(f"/v1/tickets/{ticket_id}", json={"status": "solved"})
    await post.http.patch(f"/v1/tickets/{ticket_id}", json={"status": "closed"})
    receipts = [
        await post.post(post.raw("Again.", Message_ID=f"<{number}@x>", To=str(mail["Reply-To"])))
        for number in range(3)
    ]
    assert [receipt["disposition"] for receipt in receipts] == ["opened", "appended", "appended"]


async def test_a_number_in_the_subject_joins_nothing(post: Post) -> None:
    first = await post.post(post.raw())
    receipt = await answered(post, Subject=f"Re: It does not print [#{first['ticket_number']}]")
    assert receipt["disposition"] == "opened"


async def test_a_forged_or_foreign_token_joins_nothing(mail_system: System, post: Post) -> None:
    ticket_id, mail = await opened(post)
    number = (await post.ticket(ticket_id))["number"]
    forged = reply_address(post.support, issue_token(b"another secret", post.workspace_id, number))
    assert (await answered(post, To=forged))["disposition"] == "opened"
    other = await Post.open(mail_system, post.sink, f"{post.workspace_id}-other")
    local = str(mail["Reply-To"]).partition("@")[0]
    stolen = f"{local}@{other.support.partition('@')[2]}"
    receipt = await other.post(post.raw(Message_ID="<3@x>", To=stolen, In_Reply_To=str(mail["Message-ID"])))
    assert receipt["disposition"] == "opened"


async def test_a_stranger_with_the_right_token_adds_nothing_public(post: Post) -> None:
    ticket_id, mail = await opened(post)
    receipt = await answered(post, "Tell me more.", sender="eve@evil.example", To=str(mail["Reply-To"]))
    assert (receipt["disposition"], receipt["ticket_id"]) == ("appended", ticket_id)
    assert receipt["reason"] == "unverified_sender"
    message = (await post.messages(ticket_id))[2]
    assert (message["author_id"], message["is_public"], message["machine"]) == ("eve@evil.example", False, "none")
    # The answer goes to the customer, and not to who wrote last.
    await post.reply(ticket_id, "Is it on?")
    assert (await post.until_sent(2))[1].recipients == [post.ada]
    assert post.sink.kept["eve@evil.example"] == []


async def test_a_stranger_reopens_nothing(post: Post) -> None:
    ticket_id, mail = await opened(post)
    await post.http.patch(f"/v1/tickets/{ticket_id}", json={"status": "solved"})
    await answered(post, sender="eve@evil.example", To=str(mail["Reply-To"]))
    assert (await post.ticket(ticket_id))["status"] == "solved"


async def test_the_customer_reopens_a_solved_ticket(post: Post) -> None:
    ticket_id, mail = await opened(post)
    await post.http.patch(f"/v1/tickets/{ticket_id}", json={"status": "solved"})
    receipt = await answered(post, To=str(mail["Reply-To"]))
    assert receipt["disposition"] == "reopened"
    assert (await post.ticket(ticket_id))["status"] == "open"


async def test_an_answer_to_a_closed_ticket_opens_one_that_follows_it(post: Post) -> None:
    ticket_id, mail = await opened(post)
    await post.http.patch(f"/v1/tickets/{ticket_id}", json={"status": "solved"})
    await post.http.patch(f"/v1/tickets/{ticket_id}", json={"status": "closed"})
    receipt = await answered(post, To=str(mail["Reply-To"]))
    assert receipt["disposition"] == "opened"
    assert (await post.ticket(receipt["ticket_id"]))["follow_up_of"] == ticket_id


async def test_an_answer_to_a_merged_ticket_joins_where_it_went(post: Post) -> None:
    ticket_id, mail = await opened(post)
    target = await post.post(post.raw("Another matter.", Message_ID="<other@x>"))
    merged = await post.http.post(f"/v1/tickets/{ticket_id}/merge", json={"into": target["ticket_id"]})
    assert merged.status_code == 200, merged.text
    receipt = await answered(post, To=str(mail["Reply-To"]))
    assert (receipt["disposition"], receipt["ticket_id"]) == ("appended", target["ticket_id"])


async def test_what_was_quoted_is_cut_and_kept(post: Post) -> None:
    _, mail = await opened(post)
    body = (
        f"It is on.\n\nOn Thu, Mar 12, 2026 at 10:15 AM Acme <{post.support}> wrote:\n\n> Please switch it on.\n"
    )
    receipt = await answered(post, body, To=str(mail["Reply-To"]))
    message = (await post.messages(receipt["ticket_id"]))[2]
    assert message["text_new"] == "It is on."
    assert "> Please switch it on." in message["text"]


async def test_answers_name_the_same_ticket_in_every_process_with_the_secret(post: Post) -> None:
    ticket_id, mail = await opened(post)
    secret = post.system.services["intake"].runtime.settings.secret.get_secret_value().encode()
    token = issue_token(secret, post.workspace_id, (await post.ticket(ticket_id))["number"])
    assert str(mail["Reply-To"]) == reply_address(post.support, token)
    assert mail_of(post.system).parsers.pids
