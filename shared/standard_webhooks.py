"""Standard Webhooks: what is posted is signed by HMAC-SHA256 over `id.timestamp.body`."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime


def signed(key: bytes, webhook_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of one attempt. The id is the same at every attempt: it tells a repeat."""
    timestamp = str(int(now.timestamp()))
    mac = hmac.digest(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def hmac_key(secret: str) -> bytes | None:
    """The key behind `whsec_…`, with or without its padding; None where it is none to sign with."""
    prefix, is_named, encoded = secret.partition("_")
    if prefix in ("whpk", "whsk"):
        return None
    encoded = encoded if is_named else secret
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None
