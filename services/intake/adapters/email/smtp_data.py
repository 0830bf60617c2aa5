"""What a mail server sends after DATA, in time and memory of its bytes, whatever its lines are.

The library keeps each line as an object, and lets nobody else work while there is one to be had: a mail of nothing
but line ends would take gigabytes, and hold up the whole process meanwhile.
"""

import asyncio

from services.intake.adapters.bytes_in_hand import Gathering
from shared.errors import Unavailable

_BEGIN = b"\r\n"
_DOT = b".\r\n"
_END = b"\r\n" + _DOT


async def read_data(reader: asyncio.StreamReader, gathering: Gathering, *, most: int) -> bytes | None:
    """The mail until a line that is a dot alone; None where it is longer than `most` bytes.

    Only CRLF begins and ends a line here. Dots that were doubled to begin a line are single
    again (RFC 5321, 4.5.2).
    Raises Unavailable where there is no room for it, once it has ended: nobody listens to an answer before.
    """
    # The line of DATA itself is what the first line of the mail stands behind.
    reader._buffer[:0] = _BEGIN  # type: ignore[attr-defined] # noqa: SLF001 - whatever is fed in public goes last
    lines, size, is_over = _Lines(), 0, False
    refusal: Unavailable | None = None
    while not is_over:
        try:
            piece = (await reader.readuntil(_END))[: -len(_DOT)]
            is_over = True
        except asyncio.LimitOverrunError as error:
            piece = await reader.readexactly(error.consumed)
        size += len(piece)
        if size > most + len(_BEGIN):
            gathering.clear()
        elif refusal is None:
            try:
                gathering.add(lines.plain(piece, is_last=is_over))
            except Unavailable as error:
                refusal = error
    if size > most + len(_BEGIN):
        return None
    if refusal is not None:
        raise refusal
    return gathering.whole()


class _Lines:
    """Takes doubled dots away piece by piece: of a large mail at once that takes a tenth of a second."""

    def __init__(self) -> None:
        self._left = b""
        self._before = len(_BEGIN)

    def plain(self, piece: bytes, *, is_last: bool) -> bytes:
        """What there is for sure: a line end may have its dot in the next piece."""
        piece = self._left + piece
        kept = 0 if is_last else next((n for n in (2, 1) if piece.endswith(_BEGIN[:n])), 0)
        self._left = piece[len(piece) - kept :]
        found = piece[: len(piece) - kept].replace(b"\r\n.", b"\r\n")
        before, self._before = self._before, max(0, self._before - len(found))
        return found[before:]
