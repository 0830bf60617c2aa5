"""Mails within a mail: attached ones, and the reports that are written like headers."""

import base64
import binascii
from email.message import EmailMessage
from email.parser import BytesParser

from services.intake.adapters.email.part_fields import POLICY, Part, first_of

_MAX_HEADERS = 65_536
_MAX_BLOCKS = 64


def bytes_of(part: Part) -> bytes:
    """A part as it came."""
    return part.as_bytes(policy=POLICY)


def blocks_of(part: Part, children: list[Part]) -> list[Part]:
    """The blocks of a report. The library knows neither international ones (RFC 6533) nor such as are encoded."""
    if part.get_content_type() != "message/global-delivery-status" and not _is_base64(part):
        return children
    content = b"\n".join(mail_of(part, child) for child in children).replace(b"\r\n", b"\n")
    blocks = content.split(b"\n\n", _MAX_BLOCKS)[:_MAX_BLOCKS]
    return [headers_of(block.strip()) for block in blocks]


def headers_of(content: bytes) -> Part:
    """The headers that stand in a file."""
    return BytesParser(EmailMessage, policy=POLICY).parsebytes(content[:_MAX_HEADERS], headersonly=True)


def _is_base64(part: Part) -> bool:
    return first_of(part, "content-transfer-encoding").strip().lower() == "base64"


def mail_of(part: Part, mail: Part) -> bytes:
    """The bytes of an attached mail, which must not be encoded (RFC 2046, section 5.2.1) and sometimes is."""
    content = bytes_of(mail)
    if not _is_base64(part):
        return content
    try:
        return base64.b64decode(content)
    except binascii.Error:
        return content
