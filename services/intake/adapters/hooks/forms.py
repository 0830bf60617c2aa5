"""Form bodies, read within bounds and as bytes: a field has the charset that its provider names elsewhere.

The framework's own reader refuses fields above 1 MiB with 400, upon which SendGrid drops the mail for good.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

MAX_FIELDS = 1000
"""Fields and files of one form, together."""

_MAX_LOOKED_AT = 8_000
"""So many, and headers of them, are gone through for those that must be found: it is done on the event loop."""

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


@dataclass(slots=True)
class Form:
    """What was found of a form. problem: why that is not all of it, where it is not"""

    fields: list[Field] = field(default_factory=list)
    problem: str | None = None

    def add(self, found: Field | None, always: Collection[str]) -> None:
        """Keeps a field; beyond a limit only those that must be found."""
        if found is None:
            self.problem = "a field has no name, or goes beyond a limit"
        elif len(self.fields) < MAX_FIELDS:
            self.fields.append(found)
        else:
            self.problem = "too many fields"
            if found.name in always and len(found.raw) <= _MAX_HEADER:
                self.fields.append(found)


def read(content_type: str, body: bytes, always: Collection[str] = ()) -> Form:
    """What can be found of a form; `always`: the names of fields that are kept beyond its limits too."""
    kind, options = parse_options_header(content_type)
    if kind == URL_ENCODED.encode():
        return _url_encoded(body, always)
    if kind == MULTIPART.encode() and (boundary := options.get(b"boundary")):
        return _multipart(boundary, body, always)
    return Form(problem="it is no form")


def fields(content_type: str, body: bytes) -> list[Field]:
    """The fields of a form, in their order. Raises MalformedForm."""
    form = read(content_type, body)
    if form.problem:
        raise MalformedForm(form.problem)
    return form.fields


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


def _url_encoded(body: bytes, always: Collection[str]) -> Form:
    form = Form()
    pieces = body.split(b"&", _MAX_LOOKED_AT)
    if len(pieces) > _MAX_LOOKED_AT:
        pieces, form.problem = pieces[:_MAX_LOOKED_AT], "too many fields"
    for piece in pieces:
        name, _, value = piece.partition(b"=")
        if len(name) > _MAX_NAME:
            form.add(None, always)
        elif piece:
            plain = unquote_to_bytes(name.replace(b"+", b" ")).decode("utf-8", errors="replace")
            form.add(Field(name=plain, raw=value, is_quoted=True), always)
    return form


class _Part:
    def __init__(self) -> None:
        self.header = bytearray()
        self.value = bytearray()
        self.headers: dict[bytes, bytes] = {}
        self.content = bytearray()
        self.is_beyond = False
        self._headers_left = _MAX_HEADERS

    def take_header(self, name: str, data: bytes, start: int, stop: int) -> None:
        if len(self.header) + len(self.value) + stop - start > _MAX_HEADER:
            self.is_beyond = True
        else:
            getattr(self, name).extend(data[start:stop])

    def end_header(self) -> None:
        if self._headers_left:
            self._headers_left -= 1
            self.headers.setdefault(bytes(self.header).lower(), bytes(self.value))
        else:
            self.is_beyond = True
        self.header.clear()
        self.value.clear()

    def field(self) -> Field | None:
        """The field; None where it has no name, or goes beyond a limit."""
        kind, options = parse_options_header(self.headers.get(b"content-disposition", b""))
        name = options.get(b"name")
        if self.is_beyond or kind != b"form-data" or name is None or len(name) > _MAX_NAME:
            return None
        filename = options.get(b"filename")
        return Field(
            name=name.decode("utf-8", errors="replace"),
            raw=bytes(self.content),
            filename=None if filename is None else filename.decode("utf-8", errors="replace"),
            media_type=self.headers.get(b"content-type", b"").decode("latin-1"),
        )


class _TooMany(Exception):
    """Nobody goes through more of them."""


class _Parts:
    """The parts of a form, one after the other."""

    def __init__(self, always: Collection[str]) -> None:
        self.form = Form()
        self.has_ended = False
        self._always = always
        self._part = _Part()
        self._left = _MAX_LOOKED_AT

    def begin(self) -> None:
        self._part = _Part()
        self._look_at_one()

    def take_header(self, name: str, data: bytes, start: int, stop: int) -> None:
        self._part.take_header(name, data, start, stop)

    def end_header(self) -> None:
        self._part.end_header()
        self._look_at_one()

    def take_content(self, data: bytes, start: int, stop: int) -> None:
        self._part.content.extend(data[start:stop])

    def end_part(self) -> None:
        self.form.add(self._part.field(), self._always)

    def end(self) -> None:
        self.has_ended = True

    def _look_at_one(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _TooMany


def _multipart(boundary: bytes, body: bytes, always: Collection[str]) -> Form:
    parts = _Parts(always)
    form = parts.form
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_field": partial(parts.take_header, "header"),
                "on_header_value": partial(parts.take_header, "value"),
                "on_header_end": parts.end_header,
                "on_part_data": parts.take_content,
                "on_part_end": parts.end_part,
                "on_end": parts.end,
            },
            # Limits of our own: at the parser's it ends.
            max_header_count=len(body) + 1,
            max_header_size=len(body) + 1,
        )
        parser.write(body)
        parser.finalize()
    except FormParserError:
        form.problem = "its parts cannot be told apart"
    except _TooMany:
        form.problem = "too many fields"
    else:
        form.problem = form.problem if parts.has_ended else "it is cut off"
    return form
