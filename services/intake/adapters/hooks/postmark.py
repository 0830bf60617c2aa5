"""Postmark's inbound webhook: a mail as JSON, its attachments in base64; with `RawEmail`, as it came.

Its verdicts stand among the headers of the mail, where its sender can write them as well: they vouch for nobody.
"""

import re
from collections.abc import Iterator

from services.intake.adapters.hooks import rebuilt, values
from services.intake.adapters.hooks.rebuilt import File, Rebuilt
from services.intake.adapters.hooks.values import Object, Unreadable

_OWN = frozenset({"from", "to", "cc", "reply-to", "subject", "date", "bcc"})
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*\Z", re.ASCII)
_MAX_DATE = 100
_MAX = 500_000_000


def read(_content_type: str, body: bytes) -> Rebuilt:
    """The mail in this JSON. Raises Unreadable."""
    payload = values.json_object(body)
    raw = values.text(payload, "RawEmail", _MAX)
    if raw is None and not ("FromFull" in payload or "From" in payload):
        raise Unreadable("no mail in it")
    recipient = rebuilt.address(values.text(payload, "OriginalRecipient"))
    return Rebuilt(
        raw=raw.encode("utf-8", errors="replace") if raw else _rebuilt(payload),
        sender=None,
        recipients=(recipient,) if recipient else (),
    )


def _rebuilt(payload: Object) -> bytes:
    return rebuilt.mail(
        _headers(payload),
        text=values.text(payload, "TextBody", _MAX),
        html=values.text(payload, "HtmlBody", _MAX),
        files=list(_files(payload)),
    )


def _headers(payload: Object) -> Iterator[tuple[str, str]]:
    sender = payload.get("FromFull")
    shown = _mailbox(sender) if isinstance(sender, dict) else None
    yield "From", shown or values.text(payload, "From", 1000) or ""
    for name in ("To", "Cc"):
        people = [_mailbox(person) for person in values.items(payload, f"{name}Full")]
        if listed := ", ".join(filter(None, people)) or values.text(payload, name, 60_000):
            yield name, listed
    for name, field in (("Reply-To", "ReplyTo"), ("Subject", "Subject"), ("Date", "Date")):
        if value := values.text(payload, field, 1000):
            yield name, value
    for header in values.items(payload, "Headers"):
        own = values.text(header, "Name")
        if own and own.lower() not in _OWN:
            yield own, values.text(header, "Value", 60_000) or ""


def _mailbox(person: Object) -> str | None:
    email = values.text(person, "Email")
    name = re.sub(r'["\\<>]', "", values.text(person, "Name") or "")
    return f'"{name}" <{email}>' if email and name else email


def _files(payload: Object) -> Iterator[File]:
    for item in values.items(payload, "Attachments"):
        encoded = values.text(item, "Content", _MAX) or ""
        if not _BASE64.match(encoded):
            raise Unreadable("an attachment is not base64")
        yield File(
            name=values.text(item, "Name") or "attachment",
            media_type=values.text(item, "ContentType") or "",
            encoded="\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76)).encode(),
            content_id=values.text(item, "ContentID"),
        )
