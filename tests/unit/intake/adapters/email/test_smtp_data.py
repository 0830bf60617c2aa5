"""A mail is what stands before CRLF.CRLF, in whatever pieces it comes."""

import asyncio
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.bytes_in_hand import BytesInHand
from services.intake.adapters.email.smtp_data import read_data
from shared.errors import Unavailable
from tests.room import occupied

ROOM = 10_000
LIMIT = 16
"""Of a reader's buffer: pieces are small, so that ends of mails lie across them."""


async def read(sent: bytes, *, most: int = 1000, piece: int = 3) -> tuple[bytes | None, bytes]:
    """The mail in what is sent, and what is left."""
    reader = asyncio.StreamReader(limit=LIMIT)

    async def feed() -> None:
        for at in range(0, len(sent), piece):
            reader.feed_data(sent[at : at + piece])
            await asyncio.sleep(0)
        reader.feed_eof()

    feeding = asyncio.create_task(feed())
    with BytesInHand(ROOM).gathering() as gathering:
        mail = await read_data(reader, gathering, most=most)
    await feeding
    return mail, await reader.read()


@pytest.mark.parametrize(
    ("sent", "mail"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..a\r\n..\r\n.b\r\n.\r\n", b".a\r\n.\r\nb\r\n"),
        (b"a\n.\n\r.\r\n.\n\r\n.\r\r\n.\r\n", b"a\n.\n\r.\r\n\n\r\n\r\r\n"),
    ],
)
@pytest.mark.parametrize("piece", [1, 3, 1000])
async def test_it_ends_at_a_dot_alone_and_nowhere_else(sent: bytes, mail: bytes, piece: int) -> None:
    assert await read(sent + b"QUIT\r\n", piece=piece) == (mail, b"QUIT\r\n")


@given(st.lists(st.sampled_from([b"\r\n", b".", b"\r", b"\n", b"a" * 20]), max_size=40), st.integers(1, 50))
def test_whatever_is_sent_arrives(pieces: list[bytes], piece: int) -> None:
    mail = b"".join(pieces) + b"\r\n"
    stuffed = (b"\r\n" + mail).replace(b"\r\n.", b"\r\n..")[2:]
    assert asyncio.run(read(stuffed + b".\r\nRSET\r\n", piece=piece)) == (mail, b"RSET\r\n")


async def test_what_is_too_long_is_read_to_its_end_and_not_kept() -> None:
    assert await read(b"a" * 98 + b"\r\n.\r\nNOOP\r\n", most=100) == (b"a" * 98 + b"\r\n", b"NOOP\r\n")
    assert await read(b"a" * 99 + b"\r\n.\r\nNOOP\r\n", most=100) == (None, b"NOOP\r\n")
    assert await read(b"a\r\n" * 90 + b".\r\nNOOP\r\n", most=100) == (None, b"NOOP\r\n")


async def test_what_there_is_no_room_for_is_read_to_its_end_and_not_kept() -> None:
    reader = asyncio.StreamReader(limit=LIMIT)
    reader.feed_data(b"a" * 98 + b"\r\n.\r\nNOOP\r\n")
    reader.feed_eof()
    in_hand = BytesInHand(100)
    with occupied(in_hand, 50), in_hand.gathering() as gathering:
        with pytest.raises(Unavailable):
            await read_data(reader, gathering, most=100)
        assert in_hand.size == 50
    assert await reader.read() == b"NOOP\r\n"


async def test_a_mail_of_line_ends_costs_no_more_than_its_bytes() -> None:
    size = 4 << 20
    reader = asyncio.StreamReader(limit=1 << 20)
    reader.feed_data(b"\r\n" * (size // 2) + b".\r\n")
    tracemalloc.start()
    with BytesInHand(size).gathering() as gathering:
        mail = await read_data(reader, gathering, most=size)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert mail == b"\r\n" * (size // 2)
    assert peak < 6 * size
