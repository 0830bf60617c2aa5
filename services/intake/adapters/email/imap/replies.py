"""What replies say: the grammar of RFC 3501, as far as it is needed."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.intake.adapters.email.imap.errors import ImapError
from services.intake.adapters.email.imap.wire import Literal, Reply

_TOKEN = re.compile(rb'[()]|"(?:[^"\\]|\\.)*"|[^\s()"]+')
_ESCAPED = re.compile(rb"\\(.)")
_FETCH = re.compile(rb"\* \d{1,18} FETCH ", re.IGNORECASE)
_COUNT = re.compile(rb"\* (\d{1,18}) (EXISTS|RECENT)\Z", re.IGNORECASE)
_CODE = re.compile(rb"\* OK \[(UIDVALIDITY|UIDNEXT) (\d{1,18})\]", re.IGNORECASE)
_NUMBER = re.compile(rb"\d{1,18}\Z")
"""More digits than any number of IMAP's has, and few enough for a column."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server says about a message. body: None where it gives none"""

    uid: int
    size: int | None
    body: Literal | None


def fetched(reply: Reply) -> Fetched | None:
    """The answer to FETCH; None for other replies, and for one that does not say which message it is about."""
    if not _FETCH.match(reply.text):
        return None
    tokens = list(_tokens(reply))
    # `*`, number, `FETCH`, `(`, then names and values
    values: dict[bytes, bytes | Literal] = {}
    at = 4
    while at + 1 < len(tokens):
        name, value = tokens[at], tokens[at + 1]
        end = _end(tokens, at + 1)
        if isinstance(name, bytes) and name != b")":
            values[name.upper().partition(b"<")[0]] = value
        at = end
    uid = _number(values.get(b"UID"))
    if uid is None:
        return None
    return Fetched(uid=uid, size=_number(values.get(b"RFC822.SIZE")), body=_string(values.get(b"BODY[]")))


def count(reply: Reply) -> tuple[str, int] | None:
    """`EXISTS` or `RECENT`, and how many."""
    found = _COUNT.match(reply.text)
    return (found[2].decode().upper(), int(found[1])) if found else None


def code(reply: Reply) -> tuple[str, int] | None:
    """`UIDVALIDITY` or `UIDNEXT`, and its value."""
    found = _CODE.match(reply.text)
    return (found[1].decode().upper(), int(found[2])) if found else None


def capabilities(reply: Reply) -> frozenset[str] | None:
    """What a server can do, where it says that."""
    words = reply.text.decode("ascii", errors="replace").upper().split()
    return frozenset(words[2:]) if words[:2] == ["*", "CAPABILITY"] else None


def quoted(text: str) -> bytes:
    """A string of a command. Raises ImapError for what cannot be one."""
    if not text.isascii() or not text.isprintable():
        raise ImapError("the name or the password has characters that cannot be sent")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.encode()


def folder_name(name: str) -> bytes:
    """The name of a folder in a command: modified UTF-7 (RFC 3501, section 5.1.3)."""

    def encoded(run: re.Match[str]) -> str:
        if run[0] == "&":
            return "&-"
        packed = base64.b64encode(run[0].encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
        return f"&{packed.decode()}-"

    return quoted(re.sub(r"&|[^ -~]+", encoded, name))


def _tokens(reply: Reply) -> Iterator[bytes | Literal]:
    for part in reply.parts:
        if isinstance(part, Literal):
            yield part
        else:
            yield from _TOKEN.findall(part)


def _end(tokens: list[bytes | Literal], at: int) -> int:
    """Behind the value that begins here."""
    depth = 0
    for index in range(at, len(tokens)):
        depth += (tokens[index] == b"(") - (tokens[index] == b")")
        if depth <= 0:
            return index + 1
    return len(tokens)


def _number(value: bytes | Literal | None) -> int | None:
    return int(value) if isinstance(value, bytes) and _NUMBER.match(value) else None


def _string(value: bytes | Literal | None) -> Literal | None:
    if not isinstance(value, bytes):
        return value
    if not value.startswith(b'"'):
        return None
    content = _ESCAPED.sub(rb"\1", value[1:-1])
    return Literal(content, len(content))
