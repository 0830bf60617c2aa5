"""Replies on their way out."""

import hashlib
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from functools import partial
from uuid import UUID

import pytest

from deploy.local.ports import free_ports
from deploy.local.stack import Stack
from services.intake.adapters.email.messages import PostgresMailMessages
from services.intake.app.mail_ports import Attachment
from services.intake.domain.mail import AttachedFile
from services.intake.domain.retries import give_up_after
from shared.db.unit_of_work import Tx
from shared.ids import SystemIds
from shared.retries import longest_pause
from shared.vocabulary import ChannelKind
from tests.eventually import eventually
from tests.integration.intake.mail.post import Post, mail_of
from tests.integration.intake.mail.sink import Sink
from tests.system import System, Templates, start


async def test_a_reply_leaves_with_the_headers_that_thread_it(post: Post) -> None:
    first = await post.post(post.raw(Subject="Grüße: it does not print", References="<older@x>"))
    reply = await post.reply(first["ticket_id"], "Please switch it on.\nThank you, äöü.")
    (kept,) = await post.until_sent()
    mail = kept.mail
    assert (mail["From"], mail["To"]) == (f"Acme Support <{post.support}>", post.ada)
    assert mail["Subject"].startswith("Re: Grüße: it does not print [#1-")
    local, _, domain = post.support.partition("@")
    reply_to = str(mail["Reply-To"])
    assert reply_to.startswith(f"{local}+t.")
    assert reply_to.endswith(f"@{domain}")
    assert kept.sender == reply_to
    assert kept.recipients == [post.ada]
    assert mail["In-Reply-To"] == f"<1@{post.workspace_id}>"
    assert mail["References"] == f"<1@{post.workspace_id}>"
    assert str(mail["Message-ID"]).startswith(f"<{reply['message_id'].replace('-', '')}.")
    assert str(mail["Message-ID"]).endswith(f"@{domain}>")
    assert mail["X-Waypost-Loop"]
    assert mail["Auto-Submitted"] is None
    assert parsedate_to_datetime(str(mail["Date"])).tzinfo is not None
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == ["Please switch it on.", "Thank you, äöü."]
    await post.until_delivery(first["ticket_id"], reply["message_id"], "sent")


async def test_references_grow_with_the_conversation(post: Post) -> None:
    first = await post.post(post.raw())
    await post.reply(first["ticket_id"])
    (kept,) = await post.until_sent()
    ours = str(kept.mail["Message-ID"])
    long_id = f"<{'x' * 150}@example.org>"
    await post.post(post.raw("It is on.", Message_ID=long_id, In_Reply_To=ours))
    await post.reply(first["ticket_id"], "And paper?")
    mail = (await post.until_sent(2))[1].mail
    assert mail["In-Reply-To"] == long_id
    assert str(mail["References"]).split() == [f"<1@{post.workspace_id}>", ours, long_id]
    # Whoever reads it sees no encoded words, and no line that is too long for a mail.
    raw = (await post.until_sent(2))[1].raw
    assert b"=?" not in raw
    assert max(map(len, raw.split(b"\r\n"))) < 998


async def test_rich_text_travels_beside_the_plain(post: Post) -> None:
    first = await post.post(post.raw())
    await post.reply(first["ticket_id"], "Plain", html="<b>Rich</b>")
    mail = (await post.until_sent())[0].mail
    assert mail.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "text/html"]


async def test_no_subject_begins_another_header(post: Post) -> None:
    first = await post.post(post.raw(Subject="=?utf-8?Q?a=0D=0ABcc:_evil@x.example?="))
    await post.reply(first["ticket_id"])
    mail = (await post.until_sent())[0].mail
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Re: a Bcc: evil@x.example [#1-")


async def test_a_subject_that_is_an_answer_already_stays(post: Post) -> None:
    first = await post.post(post.raw(Subject="AW: It does not print"))
    await post.reply(first["ticket_id"])
    assert (await post.until_sent())[0].mail["Subject"].startswith("AW: It does not print [#1-")


async def test_what_a_bot_writes_says_so_and_asks_for_no_answer(post: Post) -> None:
    first = await post.post(post.raw())
    await post.reply(first["ticket_id"], author_kind="bot", author_id="helper")
    (kept,) = await post.until_sent()
    assert kept.sender == ""
    assert kept.mail["Auto-Submitted"] == "auto-generated"
    assert kept.mail["X-Auto-Response-Suppress"] == "All"


async def test_answers_go_where_the_customer_wants_them(post: Post) -> None:
    first = await post.post(post.raw(Reply_To=f"Ada <other-{post.ada}>"))
    await post.reply(first["ticket_id"])
    (kept,) = await post.until_sent(to=f"other-{post.ada}")
    assert kept.mail["To"] == f"other-{post.ada}"


async def test_a_server_that_says_not_now_is_asked_again(post: Post) -> None:
    post.sink.answers[post.ada] = ["451 4.3.0 Not now"]
    first = await post.post(post.raw())
    reply = await post.reply(first["ticket_id"])
    delivery = await post.until_delivery(first["ticket_id"], reply["message_id"], "sent")
    assert (delivery["attempts"], delivery["last_error"]) == (2, None)
    assert len(await post.until_sent()) == 1


async def test_a_server_that_says_never_is_believed(post: Post) -> None:
    post.sink.answers[post.ada] = ["550 5.1.1 No such user"]
    first = await post.post(post.raw())
    reply = await post.reply(first["ticket_id"])
    delivery = await post.until_delivery(first["ticket_id"], reply["message_id"], "failed")
    assert (delivery["attempts"], delivery["last_error"]) == (1, "the mail server refuses it: 550")


async def test_without_an_address_nothing_can_leave(post: Post) -> None:
    message = {"channel": "support", "from": {"phone": "+4930123456"}, "text": "Call me"}
    receipt = (await post.http.post("/v1/messages", json=message)).json()
    reply = await post.reply(receipt["ticket_id"])
    delivery = await post.until_delivery(receipt["ticket_id"], reply["message_id"], "failed")
    assert delivery["last_error"] == "nobody knows the customer's address"


async def test_a_ticket_that_did_not_begin_with_mail_is_answered_at_the_customers_address(post: Post) -> None:
    message = {"channel": "support", "from": {"email": post.ada}, "subject": "Hello", "text": "Help"}
    receipt = (await post.http.post("/v1/messages", json=message)).json()
    await post.reply(receipt["ticket_id"])
    mail = (await post.until_sent())[0].mail
    assert (mail["To"], mail["In-Reply-To"]) == (post.ada, None)


@pytest.mark.parametrize("address", ["(@example.org", "!@[x", "a..b@example.org"])
async def test_an_address_that_cannot_stand_in_a_mail_stops_its_own_mail_only(post: Post, address: str) -> None:
    message = {"channel": "support", "from": {"email": address}, "text": "Help"}
    receipt = (await post.http.post("/v1/messages", json=message)).json()
    reply = await post.reply(receipt["ticket_id"])
    delivery = await post.until_delivery(receipt["ticket_id"], reply["message_id"], "failed")
    assert delivery["last_error"].startswith("it cannot be written as a mail: ")
    assert delivery["attempts"] == 1
    first = await post.post(post.raw())
    await post.reply(first["ticket_id"])
    await post.until_sent()


async def test_a_channel_that_is_gone_sends_nothing(post: Post) -> None:
    first = await post.post(post.raw())
    post.sink.answers[post.ada] = ["451 4.3.0 Not now"]
    reply = await post.reply(first["ticket_id"])
    await post.configure({"id": "api", "kind": "api"})
    delivery = await post.until_delivery(first["ticket_id"], reply["message_id"], "failed")
    assert delivery["last_error"] == "the channel has no address any more"


@pytest.fixture
async def cut_off(
    stack: Stack, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """A system whose mail server is not there."""
    (port,) = free_ports(1)
    async with start(
        stack,
        ("intake",),
        prefix="cutoff",
        templates=templates,
        folder=tmp_path_factory.mktemp("cutoff"),
        smtp_port=0,
        outbound_smtp_url=f"smtp://127.0.0.1:{port}",
    ) as running:
        yield running


async def test_after_three_days_a_reply_is_given_up(cut_off: System, workspace_id: str) -> None:
    post = await Post.open(cut_off, Sink(), workspace_id)
    first = await post.post(post.raw())
    reply = await post.reply(first["ticket_id"])
    ticket_id, message_id = first["ticket_id"], reply["message_id"]

    async def has_ended(count: int) -> bool:
        # Counted when an attempt is over; the delivery counts it when it begins.
        counted = f'delivery_attempts_total{{channel_kind="email",state="queued"}} {count:.1f}'
        return counted in (await post.http.get("/metrics")).text

    await eventually(partial(has_ended, 1))
    for attempt in (1, 2, 3):
        await cut_off.travel(longest_pause(attempt))
        await eventually(partial(has_ended, attempt + 1))
    assert (await post.until_delivery(ticket_id, message_id, "queued"))["attempts"] == 4
    await cut_off.travel(give_up_after(ChannelKind.EMAIL))
    delivery = await post.until_delivery(ticket_id, message_id, "failed")
    assert delivery["last_error"].startswith("mail server: ")


async def test_the_files_of_a_reply_go_with_it(post: Post) -> None:
    post.sink.answers[post.ada] = ["550 5.1.1 No such user"]
    first = await post.post(post.raw())
    reply = await post.reply(first["ticket_id"])
    await post.until_delivery(first["ticket_id"], reply["message_id"], "failed")
    content = b"%PDF-1.7 \r\n.\r\n \x00\xff"
    await attach(post, reply["message_id"], content)
    answer = await post.http.post(f"/v1/deliveries/{reply['message_id']}/retry")
    assert answer.status_code == 200, answer.text
    (kept,) = await post.until_sent()
    (file,) = kept.mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("Anleitung für Ada.pdf", "application/pdf")
    assert file.get_content() == content


async def attach(post: Post, message_id: str, content: bytes) -> None:
    """A file of a reply."""
    sha256 = hashlib.sha256(content).digest()
    file = AttachedFile(filename="Anleitung für Ada.pdf", media_type="application/pdf", content=content)
    attachment = Attachment(
        workspace_id=post.workspace_id,
        attachment_id=SystemIds().new(),
        message_id=UUID(message_id),
        file=file,
        sha256=sha256,
    )
    store = await mail_of(post.system).blobs.stage({(post.workspace_id, sha256): content})

    async def unit(tx: Tx) -> None:
        await store(tx)
        await PostgresMailMessages().add_attachments(tx, [attachment])

    await post.system.services["intake"].runtime.database.transact(unit, workspaces=[post.workspace_id])
