"""Too much at once: the mail stays with whoever brings it, and comes again."""

import asyncio

import aiosmtplib
import pytest

from services.intake.domain.mail import Mail
from tests.eventually import eventually
from tests.integration.intake.mail.post import Post, mail_of
from tests.integration.intake.mail.wire import lmtp_wire, smtp_wire
from tests.integration.intake.office import refused
from tests.room import occupied


async def test_mail_for_which_there_is_no_room_may_come_again(post: Post) -> None:
    in_hand = mail_of(post.system).mailroom.in_hand
    await eventually(lambda: in_hand.size == 0)
    with occupied(in_hand, in_hand.most):
        refused(await post.try_post(post.raw()), 503, "unavailable")
        with pytest.raises(aiosmtplib.SMTPResponseException) as refusal:
            await post.smtp(post.raw())
        assert refusal.value.code == 452
        wire = await lmtp_wire(post)
        await wire.say(f"RCPT TO:<{post.support}>")
        await wire.say(f"RCPT TO:<{post.sales}>")
        answers = await wire.data(post.raw() + b"\r\n.\r\n", answers=2)
        assert {answer[:3] for answer in answers} == {"452"}
        await wire.close()
    await post.smtp(post.raw())
    await post.until_tickets(1)
    assert in_hand.size == 0


async def test_a_mail_takes_no_room_while_it_is_read(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = mail_of(post.system)
    read, is_stored, may_go_on = mail.parsers.parse, asyncio.Event(), asyncio.Event()

    async def slowly(raw: bytes) -> Mail:
        is_stored.set()
        await may_go_on.wait()
        return await read(raw)

    monkeypatch.setattr(mail.parsers, "parse", slowly)
    posting = asyncio.create_task(post.post(post.raw("word " * 100_000)))
    await is_stored.wait()
    await eventually(lambda: mail.mailroom.in_hand.size == 0, within_s=2)
    assert not posting.done()
    may_go_on.set()
    assert (await posting)["disposition"] == "opened"


async def test_a_server_whose_bytes_drip_makes_room_for_others(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_hand = mail_of(post.system).mailroom.in_hand
    monkeypatch.setattr(in_hand, "_patience_s", 0)
    wire = await smtp_wire(post)
    await wire.say(f"RCPT TO:<{post.support}>")
    room = 1 << 20
    with occupied(in_hand, in_hand.most - room):
        dripping = asyncio.create_task(wire.data(b"x" * (room - 1000)))
        while in_hand.size < in_hand.most - room // 2:
            await asyncio.sleep(0.01)
        await post.post(post.raw("word " * (room // 10)))
        assert in_hand.size == in_hand.most - room
        wire.send(b"\r\n.\r\n")
        assert [answer[:3] for answer in await dripping] == ["452"]
        assert (await wire.say("NOOP")).startswith("250")
    await wire.close()


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
async def test_a_connection_too_many_is_told_so_and_ended(
    protocol: str, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.intake.adapters.email.listeners._MAX_CONNECTIONS", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", mail_of(post.system).listeners.ports[protocol])
    async with asyncio.timeout(10):
        assert (await reader.read()).startswith(b"421 ")
    writer.close()
    await writer.wait_closed()
