"""Seals secrets with AES-GCM under a key of the settings."""

import base64
import binascii
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.secrets import SEALED

_NONCE_BYTES = 12


class AesVault:
    """Implements the port `Vault`.

    The nonce is derived from workspace and secret: no two secrets share one, and applying the same
    configuration twice changes nothing. That two secrets are equal can be seen, and no more.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(hmac.digest(key, b"cipher", hashlib.sha256))
        self._nonces = hmac.digest(key, b"nonce", hashlib.sha256)

    def seal(self, workspace_id: str, secret: str) -> str:
        """The secret as it may be stored. Raises ValueError for one that was sealed elsewhere."""
        if secret.startswith(SEALED):
            self.open(workspace_id, secret)
            return secret
        bound, plain = workspace_id.encode(), secret.encode()
        nonce = hmac.digest(self._nonces, bound + b"\0" + plain, hashlib.sha256)[:_NONCE_BYTES]
        return SEALED + base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, plain, bound)).decode()

    def open(self, workspace_id: str, sealed: str) -> str:
        """The secret. Raises ValueError where it was sealed by another key or for another workspace."""
        try:
            raw = base64.urlsafe_b64decode(sealed.removeprefix(SEALED))
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], workspace_id.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise ValueError("it was sealed by another key, or for another workspace") from error
