"""Header fields as values: encoded words, addresses, Message-IDs, dates. Whatever they hold, nothing here raises.

The standard library's structured header parser is left aside: it raises on many broken fields, and takes
seconds for some (python/cpython#136063).
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.intake.adapters.email.address_lists import addresses, is_address
from services.intake.adapters.email.charsets import Decoded, clean, decode, from_header
from services.intake.domain.mail import Mailbox

_FOLD = re.compile(r"\r?\n|\r")
# Some programs leave a question mark as it is; the length is bounded, as many words may begin and none end.
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?((?:[^?\r\n]|\?(?!=)){0,1000}+)\?=")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,900})>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_DECEPTIVE = re.compile(r"[\x80-\x9f\u200b\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")
"""What makes a text look like another is left out. Joiners and marks of direction are part of how people write."""
_UNSAFE_IN_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_XTEXT = re.compile(r"\+(2[0-9A-F]|3D)")
_MAX_NAME = 200


def unfolded(value: str) -> str:
    """The raw value on one line."""
    return _FOLD.sub("", value)


def text_of(raw: str, charset: str | None = None) -> str:
    """An unstructured field as text: encoded words (RFC 2047) and bytes beyond ASCII decoded, one line."""
    return decoded_text(raw, charset).text


def decoded_text(raw: str, charset: str | None = None) -> Decoded:
    """As `text_of`, and whether it may be damaged."""
    value = from_header(unfolded(raw), charset)
    words = _decode_words(value.text)
    return Decoded(_shown(words.text), value.is_damaged or words.is_damaged)


def mailboxes(raw_values: Iterable[str], charset: str | None = None) -> Iterator[Mailbox]:
    """The addresses of a field that holds addresses, those that can be used as one."""
    for raw in raw_values:
        for name, address in addresses(from_header(unfolded(raw), charset).text):
            local, _, domain = address.rpartition("@")
            shown = _shown(_decode_words(name).text)[:_MAX_NAME]
            yield Mailbox(address=clean(f"{local}@{domain.lower()}"), name=shown or None)


def recipient(raw: str) -> str:
    """The address in a field such as `rfc822; ada@example.org` (RFC 3464); empty where there is none.

    As it was given to the server it may be written in `xtext`: `+2B` is a plus sign (RFC 3461, section 4).
    """
    kind, _, value = text_of(raw).partition(";")
    address = (value or kind).strip().strip("<>")
    if kind.strip().lower() == "rfc822":
        address = _XTEXT.sub(lambda match: chr(int(match[1], 16)), address)
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}" if is_address(address) else ""


def message_ids(raw_values: Iterable[str]) -> list[str]:
    """The Message-IDs in a field, in angle brackets; a bare one gets them."""
    values = [clean(from_header(unfolded(raw)).text) for raw in raw_values]
    found = [match[0] for value in values for match in _MESSAGE_ID.finditer(value)]
    if found:
        return found
    bare = [word for value in values for word in value.split() if "@" in word]
    return [f"<{word.strip('<>')}>" for word in bare if _MESSAGE_ID.fullmatch(f"<{word.strip('<>')}>")]


def instant(raw: str) -> datetime | None:
    """The date that a field says, where it says a possible one."""
    try:
        at = parsedate_to_datetime(clean(unfolded(raw)))
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if 1970 <= at.year <= 2200 else None


def keyword(raw: str) -> str:
    """The keyword at the beginning of a field, lower-case, without parameters and comments."""
    return re.split(r"[;(\s]", clean(unfolded(raw)).strip().lower(), maxsplit=1)[0]


def file_name(raw: str, otherwise: str) -> str:
    """A name that is safe to show: the last part of a path, without controls and invisible characters."""
    name = _UNSAFE_IN_NAME.sub("", text_of(raw)).replace("\\", "/").rpartition("/")[2].strip(" .")
    return name[-_MAX_NAME:] or otherwise


def _shown(text: str) -> str:
    """The text on one line, looking like what it is."""
    return _DECEPTIVE.sub("", _CONTROL.sub(" ", clean(text))).strip()


def _decode_words(value: str) -> Decoded:
    """Decodes encoded words; neighbours of one charset together, as some programs cut a character in two."""
    if "=?" not in value:
        return Decoded(value)
    pieces: list[Decoded] = []
    pending: tuple[str, bytes] | None = None
    end = 0
    for match in _WORD.finditer(value):
        between = value[end : match.start()]
        charset, content = match[1].lower(), _word_bytes(match[2], match[3])
        if pending and not between.strip():
            between = ""
        if pending and (between or pending[0] != charset):
            pieces.append(decode(pending[1], pending[0]))
            pending = None
        pieces.append(Decoded(between))
        pending = (charset, (pending[1] if pending else b"") + content)
        end = match.end()
    if pending:
        pieces.append(decode(pending[1], pending[0]))
    text = "".join((*(piece.text for piece in pieces), value[end:]))
    return Decoded(text, any(piece.is_damaged for piece in pieces))


def _word_bytes(encoding: str, text: str) -> bytes:
    content = text.encode("utf-8", errors="replace")
    if encoding in "qQ":
        return binascii.a2b_qp(content, header=True)
    try:
        return base64.b64decode(content + b"=" * (-len(content) % 4))
    except binascii.Error:
        return content
