"""What a mail server sends after DATA, in time and memory of its bytes, whatever its lines are.

The library keeps each line as an object, and lets nobody else work while there is one to be had: a mail of nothing
but line ends would take gigabytes, and hold up the whole process meanwhile.
"""

import asyncio

_BEGIN = b"\r\n"
_DOT = b".\r\n"
_END = b"\r\n" + _DOT


async def read_data(reader: asyncio.StreamReader, *, most: int) -> bytes | None:
    """The mail until a line that is a dot alone; None where it is longer than `most` bytes.

    Only CRLF begins and ends a line here. Dots that were doubled to begin a line are single
    again (RFC 5321, 4.5.2).
    """
    # The line of DATA itself is what the first line of the mail stands behind.
    reader._buffer[:0] = _BEGIN  # type: ignore[attr-defined] # noqa: SLF001 - whatever is fed in public goes last
    content, size, is_over = bytearray(), 0, False
    while not is_over:
        try:
            piece = await reader.readuntil(_END)
            is_over = True
        except asyncio.LimitOverrunError as error:
            piece = await reader.readexactly(error.consumed)
        size += len(piece)
        if size > most + len(_BEGIN + _DOT):
            content.clear()
        else:
            content += piece
    if not content:
        return None
    del content[-len(_DOT) :]
    return bytes(content.replace(b"\r\n.", b"\r\n")[len(_BEGIN) :])
