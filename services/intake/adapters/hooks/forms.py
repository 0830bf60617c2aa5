"""Form bodies, read within bounds and as bytes: a field has the charset that its provider names elsewhere.

The framework's own reader refuses fields above 1 MiB with 400, upon which SendGrid drops the mail for good.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

MAX_FIELDS = 1000
"""Fields and files of one form, together."""

_MAX_HEADERS = 8
_MAX_HEADER = 4224
_MAX_NAME = 200
_STRICT = re.compile(rb"(?:[A-Za-z0-9\-._~*!'(),;:@/?$\[\]+]|%(?:[0-9A-F]{2}))*\Z")


class MalformedForm(ValueError):
    """This is no form, or it goes beyond a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. raw: as it stands in the body; is_quoted: whether that is percent-encoded."""

    name: str
    raw: bytes = field(repr=False)
    filename: str | None = None
    media_type: str = ""
    is_quoted: bool = False

    @property
    def content(self) -> bytes:
        """What the field holds."""
        return unquote_to_bytes(self.raw.replace(b"+", b" ")) if self.is_quoted else self.raw

    @property
    def text(self) -> str:
        """What the field holds, as UTF-8."""
        return self.content.decode("utf-8", errors="replace")


def fields(content_type: str, body: bytes) -> list[Field]:
    """The fields of a form, in their order. Raises MalformedForm."""
    kind, options = parse_options_header(content_type)
    if kind == URL_ENCODED.encode():
        return _url_encoded(body)
    if kind == MULTIPART.encode() and (boundary := options.get(b"boundary")):
        return _multipart(boundary, body)
    raise MalformedForm("it is no form")


def is_url_encoded(content_type: str) -> bool:
    """Whether a body of this type is a percent-encoded form."""
    return content_type.partition(";")[0].strip().lower() == URL_ENCODED


def last(form: Sequence[Field], name: str) -> str | None:
    """The text of the last field of this name."""
    return next((item.text for item in reversed(form) if item.name == name), None)


def strict_pairs(body: bytes) -> list[tuple[str, str]] | None:
    """Names and values of a percent-encoded form; None where anything could be written otherwise.

    What is signed is the decoded form: two spellings of it must not both be taken for the one that was signed.
    """
    pieces = body.split(b"&", MAX_FIELDS)
    if len(pieces) > MAX_FIELDS:
        return None
    pairs = []
    for piece in pieces:
        name, equals, value = piece.partition(b"=")
        if not name or not equals or not _STRICT.match(name) or not _STRICT.match(value):
            return None
        try:
            pairs.append((_strictly(name), _strictly(value)))
        except UnicodeDecodeError:
            return None
    return pairs


def _strictly(quoted: bytes) -> str:
    return unquote_to_bytes(quoted.replace(b"+", b" ")).decode("utf-8")


def _url_encoded(body: bytes) -> list[Field]:
    pieces = body.split(b"&", MAX_FIELDS)
    if len(pieces) > MAX_FIELDS:
        raise MalformedForm("too many fields")
    found = []
    for piece in pieces:
        name, _, value = piece.partition(b"=")
        if len(name) > _MAX_NAME:
            raise MalformedForm("a name is too long")
        if piece:
            plain = unquote_to_bytes(name.replace(b"+", b" ")).decode("utf-8", errors="replace")
            found.append(Field(name=plain, raw=value, is_quoted=True))
    return found


class _Part:
    def __init__(self) -> None:
        self.header = bytearray()
        self.value = bytearray()
        self.headers: dict[bytes, bytes] = {}
        self.content = bytearray()

    def end_header(self) -> None:
        self.headers.setdefault(bytes(self.header).lower(), bytes(self.value))
        self.header.clear()
        self.value.clear()

    def field(self) -> Field:
        kind, options = parse_options_header(self.headers.get(b"content-disposition", b""))
        name = options.get(b"name")
        if kind != b"form-data" or name is None or len(name) > _MAX_NAME:
            raise MalformedForm("a part has no name")
        filename = options.get(b"filename")
        return Field(
            name=name.decode("utf-8", errors="replace"),
            raw=bytes(self.content),
            filename=None if filename is None else filename.decode("utf-8", errors="replace"),
            media_type=self.headers.get(b"content-type", b"").decode("latin-1"),
        )


def _multipart(boundary: bytes, body: bytes) -> list[Field]:
    found: list[Field] = []
    part = _Part()
    has_ended = False

    def begin() -> None:
        nonlocal part
        part = _Part()
        if len(found) >= MAX_FIELDS:
            raise MalformedForm("too many fields")

    def end_header() -> None:
        part.end_header()

    def end() -> None:
        nonlocal has_ended
        has_ended = True

    def into(name: str, data: bytes, start: int, stop: int) -> None:
        getattr(part, name).extend(data[start:stop])

    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": begin,
                "on_header_field": partial(into, "header"),
                "on_header_value": partial(into, "value"),
                "on_header_end": end_header,
                "on_part_data": partial(into, "content"),
                "on_part_end": lambda: found.append(part.field()),
                "on_end": end,
            },
            max_header_count=_MAX_HEADERS,
            max_header_size=_MAX_HEADER,
        )
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise MalformedForm("its parts cannot be told apart") from None
    if not has_ended:
        raise MalformedForm("it is cut off")
    return found
