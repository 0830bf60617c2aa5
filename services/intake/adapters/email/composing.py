"""The mail that an outgoing message becomes."""

import re
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from services.intake.domain import reply_token
from services.intake.domain.one_line import one_line
from services.intake.domain.outgoing import Outgoing, OutgoingFile
from services.intake.domain.subject_tag import tagged
from services.intake.domain.workspace import Channel
from shared.vocabulary import AuthorKind, Purpose

LOOP_HEADER = "X-Waypost-Loop"

_IS_REPLY = re.compile(r"\s*(?:re|aw|sv|antw|odp)\s?:", re.IGNORECASE)
_RFC_ID = re.compile(r"<[!-;=?-~]{1,248}>\Z")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}\Z")
_MEDIA_TYPE = re.compile(r"([a-z]+)/([a-z0-9][a-z0-9!#$&^_.+-]{0,80})\Z", re.IGNORECASE)
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,200}\Z")
_MAX_SUBJECT = 250
_MAX_FILENAME = 150


def compose(
    outgoing: Outgoing, channel: Channel, contents: Sequence[bytes] = (), *, secret: bytes, now: datetime
) -> EmailMessage:
    """The mail of a message. Its Message-ID is the same whenever it is made: a repeat can be told.

    contents: the bytes of its files, in their order
    Raises ValueError where one of its addresses cannot stand in a mail.
    """
    to = outgoing.to
    if channel.address is None or to is None:
        raise ValueError("an address is missing")
    mail = EmailMessage()
    mail["From"] = Address(one_line(channel.name or ""), addr_spec=channel.address)
    mail["To"] = Address(addr_spec=to)
    mail["Reply-To"] = Address(addr_spec=return_address(outgoing, channel, secret=secret))
    mail["Subject"] = _subject(outgoing, secret)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(outgoing, channel, secret=secret)
    if outgoing.answers and _RFC_ID.match(outgoing.answers):
        mail["In-Reply-To"] = outgoing.answers
    if known := [rfc_id for rfc_id in outgoing.references if _RFC_ID.match(rfc_id)]:
        mail["References"] = " ".join(known)
    mail[LOOP_HEADER] = reply_token.loop_mark(secret, outgoing.workspace_id)
    if is_automatic(outgoing):
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
    _add_body(mail, outgoing, list(zip(outgoing.files, contents, strict=True)))
    if outgoing.language and _LANGUAGE.match(outgoing.language):
        # Last: whatever begins with Content- goes with the body that it described.
        mail["Content-Language"] = outgoing.language
    return mail


def is_automatic(outgoing: Outgoing) -> bool:
    """Whether no person wrote it: then no machine is to answer it."""
    return outgoing.author_kind is not AuthorKind.AGENT or outgoing.purpose is not Purpose.REPLY


def envelope_sender(outgoing: Outgoing, channel: Channel, *, secret: bytes) -> str:
    """A null sender keeps automatic mail from being answered, and bounces from bouncing."""
    return "" if is_automatic(outgoing) else return_address(outgoing, channel, secret=secret)


def message_id(outgoing: Outgoing, channel: Channel, *, secret: bytes) -> str:
    """The Message-ID of a message, by which its answers and bounces find it."""
    domain = (channel.address or "").rpartition("@")[2]
    return reply_token.outgoing_message_id(outgoing.message_id, _token(outgoing, secret), domain)


def return_address(outgoing: Outgoing, channel: Channel, *, secret: bytes) -> str:
    """Where answers and bounces go: the channel's address with the ticket's token."""
    return reply_token.reply_address(channel.address or "", _token(outgoing, secret))


def _add_body(mail: EmailMessage, outgoing: Outgoing, files: Sequence[tuple[OutgoingFile, bytes]]) -> None:
    mail.set_content(outgoing.text)
    shown: list[OutgoingFile] = []
    if outgoing.html is not None:
        mail.add_alternative(outgoing.html, subtype="html")
        page = list(mail.iter_parts())[-1]
        for file, content in files:
            if file.is_inline and file.content_id and _CONTENT_ID.match(file.content_id):
                maintype, subtype = _media_type(file)
                page.add_related(
                    content,
                    maintype=maintype,
                    subtype=subtype,
                    cid=f"<{file.content_id}>",
                    disposition="inline",
                    filename=_filename(file),
                )
                shown.append(file)
    for file, content in files:
        if file not in shown:
            maintype, subtype = _media_type(file)
            mail.add_attachment(content, maintype=maintype, subtype=subtype, filename=_filename(file))


def _media_type(file: OutgoingFile) -> tuple[str, str]:
    """As it was said, where bytes can be that: what is put together of parts travels as mere bytes."""
    found = _MEDIA_TYPE.match(file.media_type)
    if found is None or found[1].lower() in ("multipart", "message"):
        return "application", "octet-stream"
    return found[1].lower(), found[2].lower()


def _filename(file: OutgoingFile) -> str:
    return one_line(file.filename)[-_MAX_FILENAME:] or "file"


def _token(outgoing: Outgoing, secret: bytes) -> str:
    return reply_token.issue_token(secret, outgoing.workspace_id, outgoing.ticket_number)


def _subject(outgoing: Outgoing, secret: bytes) -> str:
    subject = one_line(outgoing.subject)
    shown = subject if outgoing.has_subject or _IS_REPLY.match(subject) else f"Re: {subject}"
    return tagged(shown, secret, outgoing.workspace_id, outgoing.ticket_number, most=_MAX_SUBJECT)
