"""The parser's real processes, on mail that takes them down: they alone suffer, and the next mail is read."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from services.intake.adapters.email.parsers import ParserLimits, Parsers
from services.intake.app.mail_ports import UnreadableMail
from shared.clock import monotonic
from tests.eventually import eventually
from tests.unit.intake.mails import SLOW_BODY, SLOW_TYPE, raw_mail

HEAD = b"From: ada@example.org\r\nSubject: s\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


@pytest.fixture
async def parsers() -> AsyncIterator[Parsers]:
    made = Parsers()
    yield made
    await made.close()


def nested(depth: int) -> bytes:
    parts = [b"From: a@b.c\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n"]
    parts += [
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n - 1, n) for n in range(1, depth)
    ]
    return b"".join(parts)


def html(piece: bytes) -> bytes:
    return HEAD + b"Content-Type: text/html\r\n\r\n" + piece


def slow() -> bytes:
    return raw_mail(SLOW_BODY, Content_Type=SLOW_TYPE)


KILLERS = {
    "many semicolons": HEAD + b"Content-Type: " + b";" * 9_800 + b"\r\n\r\nx",
    "very many semicolons": HEAD + b"Content-Type: " + b";" * 39_000 + b"\r\n\r\nx",
    "20,000 recipients": HEAD + b"To: " + b", ".join(b"a%d@b.c" % n for n in range(20_000)) + b"\r\n\r\nx",
    "3,000 recipients": HEAD + b"To: " + b", ".join(b"a%d@b.c" % n for n in range(3_000)) + b"\r\n\r\nx",
    "20,000 encoded words": b"Subject: " + b" ".join([b"=?utf-8?q?a?="] * 20_000) + b"\r\n\r\nx",
    "4,000 encoded words": b"Subject: " + b" ".join([b"=?utf-8?q?a?="] * 4_000) + b"\r\n\r\nx",
    "100,000 empty parts": MIXED + b"--b\r\n\r\n\r\n" * 100_000,
    "nested 900 deep": nested(900),
    "nested 2,000 deep": nested(2_000),
    "1,000 nested comments": HEAD + b"To: " + b"(" * 1_000 + b")" * 1_000 + b" x@y.z\r\n\r\nx",
    "an open quote": HEAD + b'To: "\r\n\r\nx',
    "a comment and a colon": HEAD + b"To: (c):\r\n\r\nx",
    "an open parameter": HEAD + b"Content-Type: text/plain; name*\r\n\r\nx",
    "an open bracket": HEAD + b"Message-ID: <[\r\n\r\nx",
    "an unknown charset": HEAD + b"Content-Type: text/plain; charset=x-none\r\n\r\n\xc3\xa9",
    "idna as charset": HEAD + b"Content-Type: text/plain; charset=idna\r\n\r\n\xc3\xa9",
    "utf-7 as charset": HEAD + b"Content-Type: text/plain; charset=utf-7\r\n\r\n+AD4-",
    "escapes as charset": HEAD + b"Content-Type: text/plain; charset=unicode_escape\r\n\r\n\\x41",
    "open comments": html(b"<!--" * 500_000),
    "open elements": html(b"<div>" * 500_000),
    "open attributes": html(b"<a " * 500_000),
    "lines like attributions": HEAD + b"\r\n" + b"On 1 x\r\n" * 400_000,
    "quote marks": HEAD + b"\r\n" + b">" * 5_000_000,
    "lines that end like attributions": HEAD + b"\r\n" + b"12.03.2026 10:15 <a@b.c>:\r\n" * 200_000,
    "lines like headers": HEAD + b"\r\n" + b"From: a@b.c\r\nTo: d\r\n" * 200_000,
    "open encoded words": b"Subject: " + b"=?utf-8?q?a" * 5_800 + b"\r\n\r\nx",
    "tables in tables": html(b"<table><tr><td>" * 50_000),
    "styles": html(b"<p style='margin:0;" + b"margin : 0 1;" * 1_000 + b"'>" * 200),
    "links": html(b"<a href='https://x.example'>" * 50_000),
    "a calendar": HEAD + b"Content-Type: text/calendar\r\n\r\nBEGIN:VEVENT\r\n" + b"SUMMARY:x\r\n " * 300_000,
    "a bounce of nothing": HEAD.replace(b"ada", b"mailer-daemon") + b"\r\nundeliverable " + b"a@" * 1_000_000,
    "nothing": b"",
    "every byte": bytes(range(256)) * 400,
}  # fmt: skip


@pytest.mark.parametrize("raw", KILLERS.values(), ids=KILLERS)
async def test_whatever_a_mail_holds_it_is_read_or_refused_in_time(raw: bytes) -> None:
    parsers = Parsers()
    began = monotonic()
    with suppress(UnreadableMail):
        await parsers.parse(raw)
    assert monotonic() - began < 11  # the limit of the wall's clock, and a process's end
    assert (await parsers.parse(raw_mail())).subject == "It does not print"
    await parsers.close()


@pytest.mark.parametrize("piece", [b"<!--", b"<div>", b"<a "], ids=["comments", "elements", "attributes"])
async def test_html_that_opens_half_a_million_things_is_read(parsers: Parsers, piece: bytes) -> None:
    assert (await parsers.parse(html(b"<p>hello</p>" + piece * 500_000))).text == "hello"


async def test_a_mail_of_the_largest_size_is_read(parsers: Parsers) -> None:
    line = b"QUJD" * 19 + b"\r\n"
    raw = (
        MIXED
        + b"--b\r\n\r\nhi\r\n--b\r\nContent-Type: a/b; name=a.bin\r\n"
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + line * ((40 << 20) // len(line) - 10)
        + b"--b--\r\n"
    )
    mail = await parsers.parse(raw)
    assert mail.text == "hi"
    assert len(mail.attachments[0].content) > 29 << 20


async def test_processes_are_started_late_and_used_again(parsers: Parsers) -> None:
    assert parsers.pids == []
    await parsers.parse(raw_mail())
    first = parsers.pids
    await parsers.parse(raw_mail())
    assert parsers.pids == first


async def test_a_process_that_is_killed_costs_its_mail_only(parsers: Parsers) -> None:
    reading = asyncio.create_task(parsers.parse(slow()))
    (pid,) = await eventually(lambda: parsers.pids)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(UnreadableMail, match="was killed"):
        await reading
    assert (await parsers.parse(raw_mail())).subject == "It does not print"


async def test_a_process_that_is_killed_while_it_waits_costs_no_mail(parsers: Parsers) -> None:
    await parsers.parse(raw_mail())
    (pid,) = parsers.pids
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: parsers.pids == [])
    assert (await parsers.parse(raw_mail())).subject == "It does not print"


async def test_processor_time_is_bounded() -> None:
    parsers = Parsers(ParserLimits(cpu_s=1))
    with pytest.raises(UnreadableMail, match="processor time"):
        await parsers.parse(slow())
    await parsers.close()


async def test_the_bound_is_on_each_mail_and_not_on_all_of_them() -> None:
    parsers = Parsers(ParserLimits(cpu_s=1))
    slow = HEAD + b"\r\n" + b"hello world\r\n" * 500_000
    for _ in range(5):
        await parsers.parse(slow)
    assert len(parsers.pids) == 1
    await parsers.close()


async def test_wall_time_is_bounded() -> None:
    parsers = Parsers(ParserLimits(wall_s=2))
    await parsers.parse(raw_mail())
    with pytest.raises(UnreadableMail, match="too long"):
        await parsers.parse(slow())
    assert parsers.pids == []
    await parsers.close()


async def test_memory_is_bounded() -> None:
    parsers = Parsers(ParserLimits(memory_mb=64))
    with pytest.raises(UnreadableMail, match="MemoryError"):
        await parsers.parse(HEAD + b"\r\n" + b"x\r\n" * 5_000_000)
    assert parsers.pids == []
    await parsers.parse(raw_mail())
    await parsers.close()


async def test_processes_are_renewed() -> None:
    parsers = Parsers(ParserLimits(mails=2))
    await parsers.parse(raw_mail())
    first = parsers.pids
    await parsers.parse(raw_mail())
    assert parsers.pids == []
    await parsers.parse(raw_mail())
    assert parsers.pids != first
    await parsers.close()


async def test_mails_are_read_side_by_side() -> None:
    parsers = Parsers()
    mails = await asyncio.gather(*(parsers.parse(raw_mail(Subject=f"s{n}")) for n in range(3)))
    assert [mail.subject for mail in mails] == [f"s{n}" for n in range(3)]
    assert len(parsers.pids) == 3
    await parsers.close()


async def test_nobody_sees_our_environment(parsers: Parsers) -> None:
    await parsers.parse(raw_mail())
    assert b"WAYPOST" not in Path(f"/proc/{parsers.pids[0]}/environ").read_bytes()
