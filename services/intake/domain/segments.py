"""How many parts a text message is sent in: what its sender pays for (3GPP TS 23.038 and 23.040)."""

from enum import StrEnum

MAX_SEGMENTS = 10

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
"""Each takes an escape and a second character, which stay in one part."""


class Encoding(StrEnum):
    """In which alphabet a text travels."""

    GSM_7 = "gsm-7"
    UCS_2 = "ucs-2"


_ALONE = {Encoding.GSM_7: 160, Encoding.UCS_2: 70}
_JOINED = {Encoding.GSM_7: 153, Encoding.UCS_2: 67}
"""What is left of a part beside the header that joins it with the others."""


def segments(text: str) -> tuple[Encoding, int]:
    """The alphabet that a text needs, and its number of parts; an empty text is one part.

    One character outside GSM-7 makes the whole text UCS-2. What takes two units is never cut in two.
    """
    is_plain = all(character in _BASIC or character in _EXTENSION for character in text)
    encoding = Encoding.GSM_7 if is_plain else Encoding.UCS_2
    sizes = [_size(character, encoding) for character in text]
    if sum(sizes) <= _ALONE[encoding]:
        return encoding, 1
    most, parts, filled = _JOINED[encoding], 1, 0
    for size in sizes:
        if filled + size > most:
            parts, filled = parts + 1, 0
        filled += size
    return encoding, parts


def _size(character: str, encoding: Encoding) -> int:
    """Septets, or 16-bit units."""
    if encoding is Encoding.GSM_7:
        return 2 if character in _EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1
