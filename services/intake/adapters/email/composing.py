"""The mail that an outgoing message becomes."""

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from services.intake.adapters.email.deliveries import Outgoing
from services.intake.domain import reply_token
from services.intake.domain.subject_tag import tagged
from services.intake.domain.workspace import Channel
from shared.vocabulary import AuthorKind

LOOP_HEADER = "X-Waypost-Loop"

_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_IS_REPLY = re.compile(r"\s*(?:re|aw|sv|antw|odp)\s?:", re.IGNORECASE)
_MAX_SUBJECT = 250
_MAX_ID = 250


def compose(outgoing: Outgoing, channel: Channel, *, secret: bytes, now: datetime) -> EmailMessage:
    """The mail of a message. Its Message-ID is the same whenever it is made: a repeat can be told.

    Raises ValueError where one of its addresses cannot stand in a mail.
    """
    if channel.address is None or outgoing.recipient is None:
        raise ValueError("an address is missing")
    mail = EmailMessage()
    mail["From"] = Address(_one_line(channel.name or ""), addr_spec=channel.address)
    mail["To"] = Address(addr_spec=outgoing.recipient)
    mail["Reply-To"] = Address(addr_spec=return_address(outgoing, channel, secret=secret))
    mail["Subject"] = _subject(outgoing, secret)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(outgoing, channel, secret=secret)
    if outgoing.answers and len(outgoing.answers) <= _MAX_ID:
        mail["In-Reply-To"] = _one_line(outgoing.answers)
    if known := [_one_line(rfc_id) for rfc_id in outgoing.references if len(rfc_id) <= _MAX_ID]:
        mail["References"] = " ".join(known)
    mail[LOOP_HEADER] = reply_token.loop_mark(secret, outgoing.workspace_id)
    if outgoing.author_kind is not AuthorKind.AGENT:
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(outgoing.text)
    if outgoing.html is not None:
        mail.add_alternative(outgoing.html, subtype="html")
    return mail


def message_id(outgoing: Outgoing, channel: Channel, *, secret: bytes) -> str:
    """The Message-ID of a message, by which its answers and bounces find it."""
    domain = (channel.address or "").rpartition("@")[2]
    return reply_token.outgoing_message_id(outgoing.message_id, _token(outgoing, secret), domain)


def return_address(outgoing: Outgoing, channel: Channel, *, secret: bytes) -> str:
    """Where answers and bounces go: the channel's address with the ticket's token."""
    return reply_token.reply_address(channel.address or "", _token(outgoing, secret))


def _token(outgoing: Outgoing, secret: bytes) -> str:
    return reply_token.issue_token(secret, outgoing.workspace_id, outgoing.ticket_number)


def _subject(outgoing: Outgoing, secret: bytes) -> str:
    subject = _one_line(outgoing.subject)
    shown = subject if _IS_REPLY.match(subject) else f"Re: {subject}"
    return tagged(shown, secret, outgoing.workspace_id, outgoing.ticket_number, most=_MAX_SUBJECT)


def _one_line(text: str) -> str:
    """Nothing that would begin another header."""
    return _BREAKING.sub(" ", text).strip()
