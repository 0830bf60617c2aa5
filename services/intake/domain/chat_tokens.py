"""Tokens by which a visitor's browser takes up its conversation again.

A token names conversation and visitor, and says until when it is good; an HMAC over it, workspace and channel
proves that we issued it. Whoever has it reads the conversation: it never stands in a URL.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

_MAC_BYTES = 24
_LENGTH = 16 + 16 + 8


@dataclass(frozen=True, slots=True)
class Resumption:
    """What a token names. expires_at: seconds since 1970."""

    conversation_id: UUID
    visitor_id: UUID
    expires_at: int


def issue(secret: bytes, workspace_id: str, channel: str, resumption: Resumption) -> str:
    """The token."""
    named = (
        resumption.conversation_id.bytes
        + resumption.visitor_id.bytes
        + resumption.expires_at.to_bytes(8, "big", signed=True)
    )
    return base64.urlsafe_b64encode(named + _mac(secret, workspace_id, channel, named)).decode().rstrip("=")


def read(secret: bytes, workspace_id: str, channel: str, token: str, *, now: float) -> Resumption | None:
    """What a token of ours names; None for any other text, and for one that has expired."""
    try:
        decoded = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    named, mac = decoded[:_LENGTH], decoded[_LENGTH:]
    if len(named) != _LENGTH or not hmac.compare_digest(mac, _mac(secret, workspace_id, channel, named)):
        return None
    expires_at = int.from_bytes(named[32:], "big", signed=True)
    if expires_at <= now:
        return None
    return Resumption(UUID(bytes=named[:16]), UUID(bytes=named[16:32]), expires_at)


def _mac(secret: bytes, workspace_id: str, channel: str, named: bytes) -> bytes:
    text = b"\0".join((b"chat", workspace_id.encode(), channel.encode(), named))
    return hmac.digest(secret, text, hashlib.sha256)[:_MAC_BYTES]
