"""What a line of a mail announces: a quote, a divider, a field of a repeated header, a telephone's signature.

Without patterns that could take long: whatever stands in a line, it is read a bounded number of times.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from unicodedata import normalize

from services.intake.domain.quote_phrases import FINNISH_REPLY, PHRASES
from services.intake.domain.signature_phrases import PRODUCTS, SENT_FROM

MAX_PHRASE = 600
"""Signs of the longest announcement, all its lines together."""

_MAX_FIELD_NAME = 30
_MAX_SIGNATURE = 120
_DATE = re.compile(r"\d{4}|\d{1,2}[./-] ?\d{1,2}[./-] ?\d{2}")
_TIME = re.compile(r"\d{1,2}[:h]\d{2}|\d{1,2}\.\d{2}(?![.\d])")
_ADDRESS = re.compile(r"[^\s@<>]@[\w-]")
_SIGNS = str.maketrans({"：": ":", "\u200b": None, "\u2060": None, "\ufeff": None})
_LINK = re.compile(r"[<(] ?https?://[^\s<>()]* ?[>)]")
_DASHES = "-_=*—"


class Field(StrEnum):
    """What a line of a repeated header says."""

    SENDER = "sender"
    SENT = "sent"
    RECIPIENT = "recipient"
    SUBJECT = "subject"
    OTHER = "others"


def plain(line: str) -> str:
    """A line as it is compared: one kind of space and of colon, small letters."""
    if not line.isascii():
        line = normalize("NFC", line).translate(_SIGNS)
    if "&" in line:
        line = line.replace("&nbsp;", " ")
    return " ".join(line.split()).casefold()


def _all(name: str) -> tuple[str, ...]:
    values = (getattr(phrases, name) for phrases in PHRASES.values())
    return tuple(dict.fromkeys(plain(value) for row in values for value in row))


def _split(templates: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(template.split("*")) for template in templates)


_ENDINGS = tuple(template for template in _all("attributions") if "*" not in template)
_ATTRIBUTIONS = _split([f"*{template}" for template in _all("attributions") if "*" in template])
_ORIGINAL, _FORWARDED = _split(_all("original")), _split(_all("forwarded"))
_SENT_FROM = _split([template for templates in SENT_FROM.values() for template in templates])
_FORWARDS = frozenset(_all("forwards"))
_FIELDS = {name: field for field in reversed(Field) for name in _all(field)}
_FINNISH = frozenset(name for field in Field for name in map(plain, getattr(PHRASES["fi"], field)))


def has_date(text: str) -> bool:
    """Whether a date stands in it, with a year."""
    return _DATE.search(text) is not None


def has_address(text: str) -> bool:
    """Whether a mail address stands in it."""
    return _ADDRESS.search(text) is not None


def announces(text: str, *, is_above_quote: bool) -> bool:
    """Whether this is an attribution: `On 12 March 2026 at 10:15 Ada <ada@example.org> wrote:`.

    Above quoted lines a date is enough that ends as one does, or in a language that nobody has told us of, date,
    time and address. Elsewhere all of it is asked for: a customer may well tell what somebody wrote, and when.
    """
    text = plain(text)
    if len(text) > MAX_PHRASE or not text.endswith(":"):
        return False
    if is_above_quote:
        return has_date(text) and (_ends_as_told(text) or _says_whom(text))
    return _is_announced(text)


def _is_announced(text: str) -> bool:
    return _says_whom(text) and _ends_as_told(text)


def _says_whom(text: str) -> bool:
    return has_date(text) and _TIME.search(text) is not None and has_address(text)


def _ends_as_told(text: str) -> bool:
    return text.endswith(_ENDINGS) or _is_any(_ATTRIBUTIONS, text)


def is_original(line: str) -> bool:
    """Whether a line divides an answer from what it quotes."""
    text = plain(line)
    if text.startswith(">>> ") and text.endswith(">>>"):
        return has_date(text)  # GroupWise
    if (words := _between_dashes(text)) is None:
        return False
    return _is_any(_ORIGINAL, words) or _is_announced(f"{words}:")


def is_forwarded(line: str) -> bool:
    """Whether a line stands above a forwarded mail."""
    text = plain(line).lstrip("> ")
    words = text.removesuffix(":") if text.endswith(":") else _between_dashes(text)
    return words is not None and _is_any(_FORWARDED, words)


def is_rule(line: str) -> bool:
    """Whether a line is drawn, as Outlook does above a quote."""
    return len(text := line.strip()) >= 10 and set(text) <= {"_", "-"}


def field_of(line: str) -> Field | None:
    """What a line of a repeated header says: `From: Ada`, `*Von:* Ada`. None where it is none."""
    text = plain(line[:MAX_PHRASE])
    name, colon, _ = text.partition(":")
    return _FIELDS.get(name.strip(" *_")) if colon and len(name) <= _MAX_FIELD_NAME else None


def is_any_field(line: str) -> bool:
    """Whether a line is a word, a colon, and what it is, in whatever language."""
    name, colon, value = plain(line[:MAX_PHRASE]).partition(":")
    return bool(colon and value) and 0 < len(name) <= _MAX_FIELD_NAME and name[-1] not in '."' and "//" not in name


def is_forward_subject(subject: str, lines: Sequence[str]) -> bool:
    """Whether a subject says that the mail is passed on. lines: of the mail, for its language."""
    prefix = plain(subject[:100]).partition(":")[0].strip() if ":" in subject or "：" in subject else ""
    if prefix == FINNISH_REPLY:
        return not any(plain(line[:MAX_PHRASE]).partition(":")[0] in _FINNISH for line in lines)
    return prefix in _FORWARDS


def is_sent_from(line: str) -> bool:
    """Whether a telephone or a program has signed with this line."""
    text = plain(_LINK.sub("", line[:MAX_PHRASE]).translate({91: None, 93: None})).rstrip(".! ")
    if len(text) > _MAX_SIGNATURE or not any(product in text for product in PRODUCTS):
        return False
    return _is_any(_SENT_FROM, " ".join(text.split()))


def _between_dashes(text: str) -> str | None:
    """What stands between two runs of dashes, whatever follows them."""
    inner = text.lstrip(_DASHES)
    if len(text) - len(inner) < 2:
        return None
    end = min((at for dash in ("--", "__", "==") if (at := inner.find(dash)) > 0), default=-1)
    return inner[:end].strip() if end > 0 else None


def _is_any(templates: Sequence[tuple[str, ...]], text: str) -> bool:
    return any(_matches(pieces, text) for pieces in templates)


def _matches(pieces: tuple[str, ...], text: str) -> bool:
    """Whether text is these pieces with anything between them."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return text == first
    if not text.startswith(first) or not text.endswith(last):
        return False
    at = len(first)
    for piece in pieces[1:-1]:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return at <= len(text) - len(last)
