"""Reads a mail (RFC 5322, MIME). With `headers.py` the only code that knows how mail is written.

It runs in the parser's processes, on bytes that anybody may send: bounded in size here, in time and memory by
its process. Whatever is not the text is kept as an attachment; nothing is unpacked.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import EmailPolicy
from itertools import count

from services.intake.adapters.email import bodies, calendar_text, embedded, headers, reports
from services.intake.adapters.email.bodies import Piece
from services.intake.adapters.email.charsets import Decoded, decode, of_html
from services.intake.adapters.email.flowed import unflowed
from services.intake.adapters.email.part_fields import (
    POLICY,
    Part,
    all_of,
    charset_of,
    children_of,
    first_of,
    media_type_of,
    name_of,
)
from services.intake.domain.mail import AttachedFile, Mail
from services.intake.domain.quotes import parts_of

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
_MAX_SUBJECT = 1000
_MAX_REFERENCES = 50


class Unreadable(Exception):
    """This mail cannot be read, or goes beyond a limit."""


class _Message(EmailMessage):
    """What the library makes of a mail and of each part of it; it stops where there are too many.

    `_collect` comes later: a hundred thousand parts take seconds until then, and below a thousand open parts
    each line takes a thousand comparisons.
    """

    def __init__(self, policy: EmailPolicy = POLICY) -> None:
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


@dataclass(slots=True)
class _Collected:
    """What the parts of a mail hold.

    otherwise: what may stand for its text; is_damaged: whether the text may be
    """

    parts: int = 0
    decoded: int = 0
    pieces: list[Piece] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    attachments: list[AttachedFile] = field(default_factory=list)
    told: reports.Told = field(default_factory=reports.Told)
    charset: str | None = None
    is_damaged: bool = False


def read(raw: bytes) -> Mail:
    """The mail in these bytes. Raises Unreadable beyond a limit, and whatever the standard library raises."""
    if len(raw) > MAX_RAW:
        raise Unreadable("too large")
    head, body = _split(raw)
    if len(head) > MAX_HEADERS:
        raise Unreadable("its headers are too long")
    message: Part = BytesParser(_Message, policy=POLICY).parsebytes(raw)
    collected = _Collected()
    _collect(message, collected, 0)
    charset = collected.charset
    titled = headers.decoded_text(first_of(message, "subject"), charset)
    subject = titled.text[:_MAX_SUBJECT]
    text, html = bodies.body(collected.pieces, otherwise="\n".join(collected.otherwise[:1]))
    recipients = tuple(_recipients(message))
    senders = [box for name in ("from", "sender") for box in headers.mailboxes(all_of(message, name), charset)]
    if len(recipients) > MAX_ADDRESSES or len(senders) > MAX_ADDRESSES:
        raise Unreadable("too many addresses")
    sender = senders[0] if senders else None
    reply_to = next(headers.mailboxes(all_of(message, "reply-to")), None)
    parts = parts_of(text, subject)
    report = reports.report(message, collected.told, sender=sender, text=text)
    return Mail(
        subject=subject,
        sender=sender,
        reply_to=reply_to.address if reply_to else None,
        recipients=recipients,
        message_id=next(iter(headers.message_ids(all_of(message, "message-id"))), None),
        in_reply_to=tuple(headers.message_ids(all_of(message, "in-reply-to")))[-_MAX_REFERENCES:],
        references=tuple(headers.message_ids(all_of(message, "references")))[-_MAX_REFERENCES:],
        original_message_ids=tuple(collected.told.originals)[:_MAX_REFERENCES],
        sent_at=headers.instant(first_of(message, "date")),
        text=text,
        text_new=parts.new_text,
        signature=parts.signature,
        html=html,
        is_damaged=collected.is_damaged or titled.is_damaged,
        attachments=tuple(collected.attachments),
        body_sha256=hashlib.sha256(body.replace(b"\r\n", b"\n").strip()).hexdigest(),
        markers=reports.markers(message),
        report=report,
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


def _recipients(message: Part) -> Iterator[str]:
    for name in ("delivered-to", "x-original-to", "envelope-to", "to", "cc", "resent-to"):
        for mailbox in headers.mailboxes(all_of(message, name)):
            yield mailbox.address


def _collect(part: Part, into: _Collected, depth: int) -> None:
    into.parts += 1
    if into.parts > MAX_PARTS:
        raise Unreadable("too many parts")
    if depth > MAX_DEPTH:
        raise Unreadable("its parts are nested too deeply")
    kind = part.get_content_type()
    children = children_of(part)
    if kind == "multipart/alternative" and children:
        _collect_alternative(children, into, depth)
    elif kind.startswith("multipart/") and children:
        for child in children:
            _collect(child, into, depth + 1)
        if kind == "multipart/encrypted":
            into.otherwise.append(bodies.ENCRYPTED)
    elif kind in ("message/rfc822", "message/global") and children:
        into.told.note_original(children[0])
        _attach(part, embedded.mail_of(part, children[0]), into, otherwise="message.eml")
    elif kind.startswith("message/") and children:
        into.told.note_report(kind, embedded.blocks_of(part, children))
        _attach(part, b"\n".join(embedded.bytes_of(child) for child in children), into, otherwise="report.txt")
    else:
        _collect_leaf(part, kind, into)


def _collect_alternative(children: list[Part], into: _Collected, depth: int) -> None:
    """Takes the forms of one content as one piece."""
    pieces, into.pieces = into.pieces, []
    for child in children:
        if child.get_content_type() not in _FURTHER_FORMS:
            _collect(child, into, depth + 1)
    forms, into.pieces = into.pieces, pieces
    into.pieces.append(bodies.alternatives(forms))


def _collect_leaf(part: Part, kind: str, into: _Collected) -> None:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        content = b""
    # A body whose boundary never comes is text for whoever reads it.
    is_text = kind in _TEXTS or kind.startswith("multipart/")
    if not is_text or part.get_content_disposition() == "attachment" or name_of(part):
        _note_leaf(part, kind, content, into)
        _attach(part, content, into, otherwise=_DEFAULT_NAMES.get(kind, "attachment"))
        return
    _weigh(content, into)
    decoded = _text_of(part, kind, content)
    into.is_damaged |= decoded.is_damaged
    into.charset = into.charset or charset_of(part)
    if kind == "text/html":
        into.pieces.append(Piece(None, decoded.text))
    else:
        into.pieces.append(Piece(unflowed(decoded.text, part.get_param), None))


def _note_leaf(part: Part, kind: str, content: bytes, into: _Collected) -> None:
    """What a part says that is kept as a file."""
    if kind == "text/rfc822-headers":
        into.told.note_original(embedded.headers_of(content))
    elif kind == "text/calendar" and (summary := calendar_text.summary(_text_of(part, kind, content).text)):
        into.otherwise.append(summary)
    elif kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        is_signed = str(part.get_param("smime-type") or "").lower() == "signed-data"
        into.otherwise.append(bodies.SEALED if is_signed else bodies.ENCRYPTED)


def _text_of(part: Part, kind: str, content: bytes) -> Decoded:
    charset = charset_of(part)
    if charset is None and kind == "text/html":
        charset = of_html(content)
    decoded = decode(content, charset)
    return replace(decoded, text=decoded.text.replace("\r\n", "\n").replace("\r", "\n"))


_TEXTS = frozenset({"text/plain", "text/html", "text/markdown", "plain/text"})
_FURTHER_FORMS = frozenset({"text/x-amp-html", "text/watch-html"})
"""Forms of a text that is there in others too."""

_DEFAULT_NAMES = {
    "text/calendar": "invite.ics",
    "text/rfc822-headers": "headers.txt",
    "application/pgp-signature": "signature.asc",
    "application/pkcs7-signature": "smime.p7s",
    "application/x-pkcs7-signature": "smime.p7s",
    "application/pkcs7-mime": "smime.p7m",
    "application/x-pkcs7-mime": "smime.p7m",
    "application/pgp-encrypted": "version.txt",
    "application/ms-tnef": "winmail.dat",
    "application/vnd.ms-tnef": "winmail.dat",
    "text/vcard": "contact.vcf",
    "text/x-vcard": "contact.vcf",
}


def _attach(part: Part, content: bytes, into: _Collected, *, otherwise: str) -> None:
    if len(into.attachments) >= MAX_ATTACHMENTS:
        raise Unreadable("too many attachments")
    _weigh(content, into)
    content_id = next(iter(headers.message_ids([first_of(part, "content-id")])), None)
    into.attachments.append(
        AttachedFile(
            filename=headers.file_name(name_of(part), otherwise),
            media_type=media_type_of(part),
            content=content,
            content_id=content_id.strip("<>") if content_id else None,
            is_inline=part.get_content_disposition() == "inline" or content_id is not None,
        )
    )


def _weigh(content: bytes, into: _Collected) -> None:
    into.decoded += len(content)
    if into.decoded > MAX_DECODED:
        raise Unreadable("too large once decoded")
