"""Reads a mail (RFC 5322, MIME). With `headers.py` the only code that knows how mail is written.

It runs in the parser's processes, on bytes that anybody may send: bounded in size here, in time and memory by
its process. Whatever is not the text is kept as an attachment; nothing is unpacked.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import EmailPolicy
from html import escape
from itertools import count
from typing import TypeAlias

from services.intake.adapters.email import headers
from services.intake.adapters.email.charsets import decode
from services.intake.adapters.email.flowed import unflowed
from services.intake.adapters.email.html_text import to_text
from services.intake.domain.mail import AttachedFile, Mail, Markers, Report
from services.intake.domain.quotes import new_text

MAX_RAW = 41_943_040
MAX_HEADERS = 65_536
MAX_PARTS = 200
MAX_DEPTH = 20
MAX_MESSAGES = 5_000
MAX_MESSAGE_DEPTH = 100
"""These two also count what stands in attached mails, and a report's block for each recipient."""

MAX_ADDRESSES = 500
MAX_ATTACHMENTS = 100
MAX_DECODED = 62_914_560
MAX_TEXT = 500_000
_MAX_SUBJECT = 1000
_MAX_REFERENCES = 50
_MAX_NESTED = 64

Part: TypeAlias = "Message[str, str]"


class Unreadable(Exception):
    """This mail cannot be read, or goes beyond a limit."""


class _Policy(EmailPolicy):
    """The modern message class with header values as they stand: `headers.py` turns them into text."""

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 - the policy's interface
        return headers.unfolded(value)


_POLICY = _Policy(refold_source="none")


class _Message(EmailMessage):
    """What the library makes of a mail and of each part of it; it stops where there are too many.

    `_collect` comes later: a hundred thousand parts take seconds until then, and below a thousand open parts
    each line takes a thousand comparisons.
    """

    def __init__(self, policy: EmailPolicy = _POLICY) -> None:
        super().__init__(policy)
        self.numbers = count(1)
        self.depth = 0

    def attach(self, payload: object) -> None:
        """Raises Unreadable beyond MAX_MESSAGES and MAX_MESSAGE_DEPTH."""
        assert isinstance(payload, _Message)
        payload.numbers, payload.depth = self.numbers, self.depth + 1
        if next(self.numbers) > MAX_MESSAGES:
            raise Unreadable("too many parts")
        if payload.depth > MAX_MESSAGE_DEPTH:
            raise Unreadable("its parts are nested too deeply")
        super().attach(payload)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One part of the body, in one or two forms."""

    plain: str | None
    html: str | None


@dataclass(slots=True)
class _Collected:
    """What the parts of a mail hold."""

    parts: int = 0
    decoded: int = 0
    pieces: list[_Piece] = field(default_factory=list)
    attachments: list[AttachedFile] = field(default_factory=list)
    originals: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)


def read(raw: bytes) -> Mail:
    """The mail in these bytes. Raises Unreadable beyond a limit, and whatever the standard library raises."""
    if len(raw) > MAX_RAW:
        raise Unreadable("too large")
    head, body = _split(raw)
    if len(head) > MAX_HEADERS:
        raise Unreadable("its headers are too long")
    message: Part = BytesParser(_Message, policy=_POLICY).parsebytes(raw)
    collected = _Collected()
    _collect(message, collected, 0)
    subject = headers.text_of(_first(message, "subject"))[:_MAX_SUBJECT]
    text, html = _body(collected.pieces)
    recipients = tuple(_recipients(message))
    senders = list(headers.mailboxes(_all(message, "from"))) or list(headers.mailboxes(_all(message, "sender")))
    if len(recipients) > MAX_ADDRESSES or len(senders) > MAX_ADDRESSES:
        raise Unreadable("too many addresses")
    reply_to = next(headers.mailboxes(_all(message, "reply-to")), None)
    return Mail(
        subject=subject,
        sender=senders[0] if senders else None,
        reply_to=reply_to.address if reply_to else None,
        recipients=recipients,
        message_id=next(iter(headers.message_ids(_all(message, "message-id"))), None),
        in_reply_to=tuple(headers.message_ids(_all(message, "in-reply-to")))[-_MAX_REFERENCES:],
        references=tuple(headers.message_ids(_all(message, "references")))[-_MAX_REFERENCES:],
        original_message_ids=tuple(collected.originals)[:_MAX_REFERENCES],
        sent_at=headers.instant(_first(message, "date")),
        text=text,
        text_new=new_text(text, subject),
        html=html,
        attachments=tuple(collected.attachments),
        body_sha256=hashlib.sha256(body.replace(b"\r\n", b"\n").strip()).hexdigest(),
        markers=_markers(message),
        report=_report(message, collected),
    )


def best_effort(raw: bytes) -> tuple[str, str | None]:
    """Subject and sender's address of a mail that cannot be read, as far as its headers can be guessed at."""
    head = _split(raw[: MAX_HEADERS + 4])[0].decode("ascii", errors="surrogateescape")
    found = {"subject": "", "from": ""}
    for line in head.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ").split("\n"):
        name, _, value = line.partition(":")
        if found.get(name.strip().lower()) == "":
            found[name.strip().lower()] = value
    sender = next(headers.mailboxes([found["from"]]), None)
    return headers.text_of(found["subject"])[:_MAX_SUBJECT], sender.address if sender else None


def _split(raw: bytes) -> tuple[bytes, bytes]:
    ends = [(at, len(gap)) for gap in (b"\r\n\r\n", b"\n\n") if (at := raw.find(gap)) >= 0]
    if not ends:
        return raw, b""
    at, length = min(ends)
    return raw[:at], raw[at + length :]


def _all(message: Part, name: str) -> list[str]:
    return [str(value) for value in message.get_all(name, [])]


def _first(message: Part, name: str) -> str:
    return str(message.get(name, ""))


def _recipients(message: Part) -> Iterator[str]:
    for name in ("delivered-to", "x-original-to", "envelope-to", "to", "cc", "resent-to"):
        for mailbox in headers.mailboxes(_all(message, name)):
            yield mailbox.address


def _collect(part: Part, into: _Collected, depth: int) -> None:
    into.parts += 1
    if into.parts > MAX_PARTS:
        raise Unreadable("too many parts")
    if depth > MAX_DEPTH:
        raise Unreadable("its parts are nested too deeply")
    kind = part.get_content_type()
    children = _children(part)
    if kind == "multipart/alternative":
        _collect_alternative(children, into, depth)
    elif kind.startswith("multipart/") and children:
        for child in children:
            _collect(child, into, depth + 1)
    elif kind in ("message/rfc822", "message/global") and children:
        _note_original(children[0], into)
        _attach(part, _bytes_of(children[0]), into, otherwise="message.eml")
    elif kind.startswith("message/") and children:
        _note_report(children, into)
        _attach(part, b"\n".join(_bytes_of(child) for child in children), into, otherwise="report.txt")
    else:
        _collect_leaf(part, kind, into)


def _children(part: Part) -> list[Part]:
    # Asked for text, the library would decode it by whatever charset the part names.
    payload = part.get_payload() if part.is_multipart() else []
    return [child for child in payload if isinstance(child, Message)]


def _collect_alternative(children: list[Part], into: _Collected, depth: int) -> None:
    """Takes the forms of one content as one piece."""
    pieces, into.pieces = into.pieces, []
    for child in children:
        _collect(child, into, depth + 1)
    forms, into.pieces = into.pieces, pieces
    plain = "\n".join(form.plain for form in forms if form.plain)
    html = "\n".join(form.html for form in forms if form.html)
    into.pieces.append(_Piece(plain or None, html or None))


def _collect_leaf(part: Part, kind: str, into: _Collected) -> None:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        content = b""
    is_text = kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment"
    if not is_text or _name(part):
        if kind == "text/rfc822-headers":
            into.originals.extend(_original_ids(content))
        _attach(part, content, into, otherwise=_DEFAULT_NAMES.get(kind, "attachment"))
        return
    _weigh(content, into)
    text = decode(content, _charset(part)).replace("\r\n", "\n").replace("\r", "\n")
    if kind == "text/html":
        into.pieces.append(_Piece(None, text))
    else:
        into.pieces.append(_Piece(unflowed(text, part.get_param), None))


_DEFAULT_NAMES = {
    "text/calendar": "invite.ics",
    "text/rfc822-headers": "headers.txt",
    "application/pgp-signature": "signature.asc",
    "application/pkcs7-signature": "smime.p7s",
    "application/x-pkcs7-signature": "smime.p7s",
    "application/pkcs7-mime": "smime.p7m",
    "application/x-pkcs7-mime": "smime.p7m",
    "application/ms-tnef": "winmail.dat",
}


def _attach(part: Part, content: bytes, into: _Collected, *, otherwise: str) -> None:
    if len(into.attachments) >= MAX_ATTACHMENTS:
        raise Unreadable("too many attachments")
    _weigh(content, into)
    content_id = next(iter(headers.message_ids([_first(part, "content-id")])), None)
    into.attachments.append(
        AttachedFile(
            filename=headers.file_name(_name(part), otherwise),
            media_type=_media_type(part),
            content=content,
            content_id=content_id.strip("<>") if content_id else None,
            is_inline=part.get_content_disposition() == "inline" or content_id is not None,
        )
    )


def _weigh(content: bytes, into: _Collected) -> None:
    into.decoded += len(content)
    if into.decoded > MAX_DECODED:
        raise Unreadable("too large once decoded")


def _media_type(part: Part) -> str:
    kind = part.get_content_type()
    is_token = kind.isascii() and all(letter.isalnum() or letter in "/.+-_" for letter in kind)
    return kind if is_token and kind.count("/") == 1 and len(kind) <= 127 else "application/octet-stream"


def _name(part: Part) -> str:
    try:
        return str(part.get_filename() or "")
    except (LookupError, ValueError):
        return ""


def _charset(part: Part) -> str | None:
    try:
        return part.get_content_charset()
    except (LookupError, ValueError):
        return None


def _bytes_of(part: Part) -> bytes:
    return part.as_bytes(policy=_POLICY)


def _note_original(part: Part, into: _Collected) -> None:
    into.originals.extend(headers.message_ids(_all(part, "message-id")))


def _original_ids(content: bytes) -> list[str]:
    found: Part = BytesParser(EmailMessage, policy=_POLICY).parsebytes(content[:MAX_HEADERS], headersonly=True)
    return headers.message_ids(_all(found, "message-id"))


def _note_report(blocks: list[Part], into: _Collected) -> None:
    """Reads the fields of a delivery status, disposition or feedback; each block is a set of headers."""
    for block in blocks[:_MAX_NESTED]:
        into.actions.extend(headers.keyword(value) for value in _all(block, "action"))
        into.statuses.extend(headers.keyword(value) for value in _all(block, "status"))
        into.originals.extend(headers.message_ids(_all(block, "original-message-id")))


def _report(message: Part, collected: _Collected) -> Report | None:
    if message.get_content_type() != "multipart/report":
        return None
    kind = message.get_param("report-type")
    return Report(
        kind=kind.strip().lower() if isinstance(kind, str) else "",
        actions=tuple(collected.actions),
        statuses=tuple(collected.statuses),
    )


def _body(pieces: list[_Piece]) -> tuple[str, str | None]:
    """Plain text, where a piece has some that says anything, and HTML where any piece has."""
    texts = [piece.plain if piece.plain and piece.plain.strip() else to_text(piece.html or "") for piece in pieces]
    text = "\n".join(text for text in texts if text.strip())[:MAX_TEXT]
    if not any(piece.html for piece in pieces):
        return text, None
    html = "\n".join(piece.html or f"<pre>{escape(piece.plain or '')}</pre>" for piece in pieces)
    return text, html if len(html) <= MAX_TEXT else None


def _markers(message: Part) -> Markers:
    names = {name.lower() for name in message}
    return Markers(
        auto_submitted=headers.keyword(_first(message, "auto-submitted")),
        precedence=headers.keyword(_first(message, "precedence")),
        suppresses=tuple(
            headers.keyword(word) for word in _first(message, "x-auto-response-suppress").split(",")[:10] if word
        ),
        is_list=any(name.startswith("list-") for name in names),
        is_autoresponse=not names.isdisjoint({"x-autoreply", "x-autorespond", "x-autoresponse"}),
        has_null_return_path=_first(message, "return-path").strip() == "<>",
        loop_marks=tuple(headers.keyword(value) for value in _all(message, "x-waypost-loop")[:10]),
        hops=len(_all(message, "received")),
    )
