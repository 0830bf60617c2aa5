"""Keeps secrets of the configuration encrypted at rest (AES-256-GCM, key from the settings)."""

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import FatalError
from shared.ids import new_seed

_PREFIX = "sealed:"
_NONCE = 12


class Vault:
    """Seals texts, each to the place where it belongs."""

    def __init__(self, secret: str) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"waypost escalation").derive(secret.encode())
        self._cipher = AESGCM(key)

    def seal(self, text: str, place: str) -> str:
        """The text encrypted; it opens only at the same place."""
        nonce = new_seed()[:_NONCE]
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), place.encode())
        return _PREFIX + base64.b64encode(sealed).decode()

    def open(self, sealed: str, place: str) -> str:
        """What was sealed. Raises FatalError where it was sealed by another key."""
        raw = base64.b64decode(sealed.removeprefix(_PREFIX))
        try:
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], place.encode()).decode()
        except InvalidTag:
            raise FatalError("WAYPOST_SECRET is not the one that the configuration was stored with") from None
