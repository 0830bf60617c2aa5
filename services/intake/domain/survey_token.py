"""Tokens of surveys: who has one may rate the ticket that it names, and nothing else.

It names workspace and ticket, and proves by an HMAC over both that we issued it.
"""

import base64
import binascii
import hashlib
import hmac
from uuid import UUID

_MAC_BYTES = 16
_LONGEST = 200


def issue(secret: bytes, workspace_id: str, ticket_id: UUID) -> str:
    """The token of a ticket's survey."""
    named = ticket_id.bytes + workspace_id.encode()
    return base64.urlsafe_b64encode(_mac(secret, named) + named).decode().rstrip("=")


def read(secret: bytes, token: str) -> tuple[str, UUID] | None:
    """The workspace and the ticket that a token of ours names; None for any other text."""
    if len(token) > _LONGEST or not token.isascii():
        return None
    try:
        decoded = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, named = decoded[:_MAC_BYTES], decoded[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, named)) or len(named) <= 16:
        return None
    return named[16:].decode(), UUID(bytes=named[:16])


def _mac(secret: bytes, named: bytes) -> bytes:
    return hmac.digest(secret, b"survey\0" + named, hashlib.sha256)[:_MAC_BYTES]
