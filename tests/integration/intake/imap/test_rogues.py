"""Mail servers that freeze, drip, lie and never end."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from services.intake.adapters.email.imap.client import ImapClient
from services.intake.adapters.email.imap.errors import ConnectionLost, ImapError, LoginRefused, Refused
from services.intake.adapters.email.imap.ledger import Ledger
from services.intake.adapters.email.imap.reading import Reader, Taking
from services.intake.adapters.email.imap.replies import Fetched
from services.intake.adapters.email.imap.rows import MailboxKey
from services.intake.adapters.email.imap.wire import Literal, Reply, Wire
from services.intake.adapters.outside import Outside
from services.intake.domain.mailbox import After, RemoteMailbox, Security
from shared.clock import monotonic
from shared.telemetry.metrics import Metrics
from tests.serving import Serve, serving

if TYPE_CHECKING:
    from services.intake.adapters.email.mailroom import Mailroom
    from shared.db.shards import Shard
    from shared.db.unit_of_work import Database

GREETING = b"* OK ready\r\n"

MAILBOX = RemoteMailbox(
    mailbox_id="m",
    host="127.0.0.1",
    port=0,
    security=Security.NONE,
    user="u",
    password="p",
    oauth=None,
    folder="INBOX",
    after=After.SEEN,
    move_to=None,
)


def scripted(*answers: bytes, capabilities: bytes = b"IMAP4rev1 IDLE") -> Serve:
    """Greets, tells what it can, and then answers one command after another; `TAG` is the command's tag."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        for said in (b"* CAPABILITY " + capabilities + b"\r\nTAG OK done\r\n", *answers):
            tag = (await reader.readuntil(b"\n")).split(b" ")[0]
            writer.write(said.replace(b"TAG", tag))
            await writer.drain()
        await reader.read()

    return serve


@asynccontextmanager
async def client(serve: Serve, security: Security = Security.NONE) -> AsyncIterator[ImapClient]:
    async with serving(serve) as port:
        mailbox = replace(MAILBOX, port=port, security=security)
        outside = Outside([f"127.0.0.1:{port}"])
        async with ImapClient.open(mailbox, outside, ssl.create_default_context()) as opened:
            yield opened


async def wire(port: int, silence_s: float) -> Wire:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=65_536)
    return Wire(reader, writer, silence_s=silence_s)


async def test_a_frozen_server_is_given_up() -> None:
    async def frozen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK half a greet")
        await reader.read()

    async with serving(frozen) as port:
        opened = await wire(port, 0.1)
        with pytest.raises(TimeoutError):
            await opened.hear()
        opened.close()


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (b"* BYE Too many connections\r\n", ConnectionLost),
        (b"HTTP/1.1 400 Bad Request\r\n", ImapError),
        (b"", ConnectionLost),
        (b"* OK " + b"x" * 70_000, ImapError),
    ],
)
async def test_a_server_that_does_not_greet_is_none(greeting: bytes, error: type[Exception]) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()

    with pytest.raises(error):
        async with client(serve):
            pass


async def test_a_server_that_hangs_up_says_why() -> None:
    async with client(scripted(b"* BYE Shutting down\r\n")) as opened:
        with pytest.raises(ConnectionLost, match="Shutting down"):
            await opened.select("INBOX")


async def test_a_folder_that_is_not_there_is_told() -> None:
    async with client(scripted(b"TAG NO [NONEXISTENT] Mailbox doesn't exist\r\n")) as opened:
        with pytest.raises(Refused, match="NONEXISTENT"):
            await opened.select("Nowhere")


async def test_a_folder_without_numbers_is_none() -> None:
    async with client(scripted(b"* 3 EXISTS\r\nTAG OK done\r\n")) as opened:
        with pytest.raises(ImapError, match="numbers"):
            await opened.select("INBOX")


async def test_a_literal_is_kept_as_far_as_it_was_asked_for() -> None:
    body = b"x" * 300_000
    said = b"* 1 FETCH (UID 5 BODY[] {300000}\r\n" + body + b")\r\nTAG OK done\r\n"
    async with client(scripted(said)) as opened:
        found = await opened.fetch([5], keep=1000)
    literal = found[5].body
    assert literal is not None
    assert (len(literal.content), literal.size, literal.is_whole) == (1000, 300_000, False)


@pytest.mark.parametrize(
    "said",
    [
        b"* 1 FETCH (UID 5 BODY[] {99999999999}\r\n",
        b"* 1 FETCH (UID 5" + b" X {0}\r\n" * 200 + b")\r\n",
        b"* 1 FETCH (" + b"x" * 70_000 + b")\r\n",
    ],
)
async def test_what_does_not_end_is_not_waited_for(said: bytes) -> None:
    async with client(scripted(said)) as opened:
        with pytest.raises(ImapError):
            await opened.fetch([5], keep=1000)


async def test_mails_that_are_larger_than_was_said_are_not_all_held() -> None:
    size = 5 << 20
    mail = b"* 1 FETCH (UID %d BODY[] {%d}\r\n" + b"x" * size + b")\r\n"
    said = b"".join(mail.replace(b"%d", b"%d" % uid, 1).replace(b"%d", b"%d" % size) for uid in range(1, 7))
    async with client(scripted(said + b"TAG OK done\r\n")) as opened:
        found = await opened.fetch(range(1, 7), keep=40 << 20)
    bodies = [message.body for message in found.values() if message.body]
    assert [len(body.content) for body in bodies] == [size, size, 0, 0, 0, 0]
    assert {body.size for body in bodies} == {size}


@pytest.mark.parametrize(
    ("given", "taken"),
    [([1, 2, 3], [1, 2]), ([3, 1, 2], [1]), ([2, 3, 1], [1])],
)
async def test_what_was_not_held_is_left_for_the_next_time(given: list[int], taken: list[int]) -> None:
    """The first is always among what is taken, in whichever order the server gives them."""
    body = b"x" * (5 << 20)

    def mails(uids: list[int]) -> bytes:
        return b"".join(b"* 1 FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (uid, len(body), body) for uid in uids)

    ledger = Ledger(cast("Database", None), cast("Shard", None), MailboxKey("w", "c", "m", datetime.now(UTC)))
    taking = Taking(cast("Mailroom", None), max_bytes=40 << 20, metrics=Metrics("intake"))
    reader = Reader(ledger, MAILBOX, taking)
    said = mails(given) + b"TAG OK done\r\n", mails([1]) + b"TAG OK done\r\n"
    async with client(scripted(*said)) as opened:
        found, batch = await reader._fetch(opened, [Fetched(uid, 1, None) for uid in (1, 2, 3)])
    assert [message.uid for message in batch] == taken
    for uid in taken:
        literal = found[uid].body
        assert literal is not None
        assert literal.is_whole


async def test_all_that_one_reply_brings_is_no_more_than_is_kept() -> None:
    literal = b"{1000}\r\n" + b"x" * 1000
    async with client(scripted(b"* 1 FETCH (UID 5" + (b" X " + literal) * 3 + b")\r\nTAG OK done\r\n")) as opened:
        kept: list[int] = []

        def on(reply: Reply) -> None:
            kept.extend(len(part.content) for part in reply.parts if isinstance(part, Literal))

        await opened._wire.ask(b"NOOP", on, keep=lambda: 1500)
    assert kept == [1000, 500, 0]


async def test_a_mail_that_breaks_off_is_none() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        for said in (b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n", b"* 1 FETCH (UID 5 BODY[] {10}\r\nhalf"):
            tag = (await reader.readuntil(b"\n")).split(b" ")[0]
            writer.write(said.replace(b"TAG", tag))
        await writer.drain()

    async with client(serve) as opened:
        with pytest.raises(ConnectionLost):
            await opened.fetch([5], keep=1000)


async def test_messages_below_are_none_that_are_new() -> None:
    said = b"* 3 FETCH (UID 9 RFC822.SIZE 10)\r\n* 2 FETCH (UID 12)\r\n* 1 FETCH (UID 11)\r\nTAG OK done\r\n"
    async with client(scripted(said)) as opened:
        assert [message.uid for message in await opened.list_after(9)] == [11, 12]


async def test_a_server_that_tells_by_itself_is_heard_at_once() -> None:
    async with client(scripted(b"+ idling\r\n* 4 EXISTS\r\n", b"W2 OK done\r\n")) as opened:
        began = monotonic()
        await opened.idle(30)
        assert monotonic() - began < 10


async def test_a_server_that_tells_nothing_is_waited_for_no_longer_than_said() -> None:
    async with client(scripted(b"+ idling\r\n* OK Still here\r\n", b"W2 OK done\r\n")) as opened:
        await opened.idle(0.1)


async def test_news_amid_another_command_are_not_slept_over() -> None:
    async with client(scripted(b"* 4 EXISTS\r\nTAG OK done\r\n")) as opened:
        await opened.mark([1], rb"\Seen")
        await opened.idle(60)  # no command: the script would not answer it


async def test_a_refused_login_and_a_server_that_is_busy_are_different_things() -> None:
    async with client(scripted(b"TAG NO [AUTHENTICATIONFAILED] No\r\n")) as opened:
        with pytest.raises(LoginRefused):
            await opened.login("u", "p")
    async with client(scripted(b"TAG NO [UNAVAILABLE] Later\r\n")) as opened:
        with pytest.raises(ImapError) as busy:
            await opened.login("u", "p")
        assert not isinstance(busy.value, LoginRefused)


@pytest.mark.parametrize("can", [b"", b"AUTH=PLAIN SASL-IR"])
async def test_what_a_server_repeats_of_a_login_is_not_shown(can: bytes) -> None:
    password = 'se"cret'
    packed = base64.b64encode(f"\0ada@example.org\0{password}".encode())
    said = b'TAG NO [AUTHENTICATIONFAILED] ADA@example.org with se"cret, "se\\"cret" or %b\r\n' % packed
    async with client(scripted(said, b"TAG NO no folder of ada@example.org\r\n", capabilities=can)) as opened:
        with pytest.raises(LoginRefused) as refusal:
            await opened.login("ada@example.org", password)
        shown = str(refusal.value)
        assert shown.startswith('[AUTHENTICATIONFAILED] ... with ..., "..." or ')
        assert "cret" not in shown
        with pytest.raises(Refused, match=r"no folder of \.\.\.$"):
            await opened.select("INBOX")


async def test_a_refused_token_is_told_though_the_server_asks_once_more() -> None:
    """RFC 7628: the reason comes as a challenge, and the client says something before it is refused."""
    asks = scripted(
        b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n", b"W2 NO [AUTHENTICATIONFAILED] No\r\n", capabilities=b"SASL-IR"
    )
    async with client(asks) as opened:
        with pytest.raises(LoginRefused, match="AUTHENTICATIONFAILED"):
            await opened.login_with_token("u", "t", "h", 993)


async def test_nothing_is_said_in_the_open_where_encryption_is_wanted() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        tag = (await reader.readuntil(b"\n")).split(b" ")[0]
        writer.write(tag + b" NO no encryption here\r\n")
        heard.append(await reader.read())

    with pytest.raises(ImapError, match="STARTTLS"):
        async with client(serve, Security.STARTTLS):
            pass
    assert heard in ([b""], [])


async def test_what_is_slipped_in_before_the_encryption_is_not_taken() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        tag = (await reader.readuntil(b"\n")).split(b" ")[0]
        writer.write(tag + b" OK go\r\n* CAPABILITY AUTH=PLAIN\r\nW2 OK slipped in\r\n")
        await reader.read()

    with pytest.raises(ImapError, match="between STARTTLS and TLS"):
        async with client(serve, Security.STARTTLS):
            pass
