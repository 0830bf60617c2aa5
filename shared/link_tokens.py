"""Tokens of links for people without an account: who has one may do one kind of thing with what it names.

It names workspace and subject, and proves by an HMAC over both, and over what it is for, that we issued it.
"""

import base64
import binascii
import hashlib
import hmac
import re
from uuid import UUID

_MAC_BYTES = 16
_WRITTEN = re.compile(r"[A-Za-z0-9_-]{1,200}")


class LinkTokens:
    """Tokens of one kind of link. secret: of the settings; purpose: a token for another one is none of these."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._secret = secret
        self._purpose = purpose.encode() + b"\0"

    def issue(self, workspace_id: str, subject_id: UUID) -> str:
        """The token that names this subject, the same one each time."""
        named = subject_id.bytes + workspace_id.encode()
        return base64.urlsafe_b64encode(self._mac(named) + named).decode().rstrip("=")

    def read(self, token: str) -> tuple[str, UUID] | None:
        """The workspace and the subject that a token of ours names; None for any other text."""
        if not _WRITTEN.fullmatch(token):
            return None
        try:
            decoded = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mac, named = decoded[:_MAC_BYTES], decoded[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(named)) or len(named) <= 16:
            return None
        return named[16:].decode(), UUID(bytes=named[:16])

    def _mac(self, named: bytes) -> bytes:
        return hmac.digest(self._secret, self._purpose + named, hashlib.sha256)[:_MAC_BYTES]
