"""A mail put together again from the pieces that a provider posts, so that one reader reads all mail."""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_LINE_END = re.compile(r"[\r\n\0]+")
_UNSAFE = re.compile(r'[\r\n\0"\\]')
_BODY_HEADERS = ("content-", "mime-version")
_TYPE = re.compile(r"[A-Za-z0-9.+_-]{1,60}/[A-Za-z0-9.+_-]{1,60}\Z", re.ASCII)
_BOUNDARY = "=_waypost_rebuilt"
_MAX_ADDRESS = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A raw mail, and what its provider tells beside it.

    sender, recipients: of the envelope; vouched_for: domains for which the provider has seen SPF or DKIM pass
    is_damaged: whether a piece may not be what was written, though the mail's charset is right
    """

    raw: bytes = field(repr=False)
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    vouched_for: frozenset[str] = frozenset()
    is_damaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An attachment. encoded: in base64, any line length."""

    name: str
    media_type: str
    encoded: bytes = field(repr=False)
    content_id: str | None = None


def of_bytes(name: str, media_type: str, content: bytes, content_id: str | None = None) -> File:
    """An attachment from its bytes."""
    encoded = base64.encodebytes(content)
    return File(name=name, media_type=media_type, encoded=encoded, content_id=content_id)


def mail(
    headers: Iterable[tuple[str, str]], *, text: str | None, html: str | None, files: Sequence[File] = ()
) -> bytes:
    """The raw mail. Headers are taken as they are, but for those that tell how the body was written."""
    lines = [f"{name}: {_line(value)}" for name, value in headers if _is_kept(name)]
    parts = [*_bodies(text, html), *(_file(file) for file in files)]
    head = "\r\n".join((*lines, "MIME-Version: 1.0", f'Content-Type: multipart/mixed; boundary="{_BOUNDARY}"'))
    between = f"\r\n--{_BOUNDARY}\r\n".encode()
    body = b"".join(between + part for part in parts)
    return b"%b\r\n%b\r\n--%b--\r\n" % (head.encode(), body, _BOUNDARY.encode())


def address(value: str | None) -> str | None:
    """An envelope's address, empty for a null one; None for what can be none."""
    if value is None:
        return None
    plain = value.strip().removeprefix("<").removesuffix(">")
    return plain if not plain or (plain.isprintable() and "@" in plain and len(plain) <= _MAX_ADDRESS) else None


def domain_of(value: str | None) -> str:
    """The domain of an address, lower-case; empty where there is none."""
    return (value or "").rpartition("@")[2].strip("<> ").lower()


def _is_kept(name: str) -> bool:
    return re.fullmatch(r"[!-9;-~]{1,100}", name) is not None and not name.lower().startswith(_BODY_HEADERS)


def _line(value: str) -> str:
    return _LINE_END.sub(" ", value)


def _bodies(text: str | None, html: str | None) -> Iterator[bytes]:
    """Two forms of one content, or the one that there is."""
    forms = [_text("plain", text or "")] if text or not html else []
    forms += [_text("html", html)] if html else []
    if len(forms) < 2:
        yield from forms
        return
    inner = f"{_BOUNDARY}_forms"
    body = b"".join(f"\r\n--{inner}\r\n".encode() + form for form in forms)
    head = f'Content-Type: multipart/alternative; boundary="{inner}"\r\n'
    yield b"%b%b\r\n--%b--" % (head.encode(), body, inner.encode())


def _text(kind: str, content: str) -> bytes:
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.encodebytes(content.encode("utf-8", errors="replace"))


def _file(file: File) -> bytes:
    media_type = file.media_type.partition(";")[0].strip()
    kind = media_type if _TYPE.match(media_type) and not media_type.lower().startswith("multipart/") else ""
    # What is attached stays attached, a mail too: nothing of it is read.
    kind = "application/octet-stream" if kind.lower() in ("", "message/rfc822", "message/global") else kind
    name = _UNSAFE.sub("_", file.name)
    disposition = "inline" if file.content_id else "attachment"
    lines = [f"Content-Type: {kind}", f'Content-Disposition: {disposition}; filename="{name}"']
    if file.content_id:
        lines.append(f"Content-ID: <{_UNSAFE.sub('_', file.content_id).strip('<>')}>")
    head = "\r\n".join((*lines, "Content-Transfer-Encoding: base64", "", ""))
    return head.encode("utf-8", errors="replace") + file.encoded
