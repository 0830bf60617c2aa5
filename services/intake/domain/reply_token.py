"""Tokens by which an answer finds its ticket: in the address to reply to, and in our Message-IDs.

A token names the ticket by its number and proves by an HMAC over workspace and number that we issued it:
nobody can make one, and one of another workspace is worth nothing. Lower-case base32 survives mail systems
that change the case of a local part. It lets a message into a ticket and grants nothing else.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from uuid import UUID

_MAC_BYTES = 10
_REPLY_LOCAL = re.compile(r"(?P<local>[^+@]{1,64})\+t\.(?P<token>[a-z2-7]{18,30})\Z", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<(?P<id>[0-9a-f]{32})\.(?P<token>[a-z2-7]{18,30})@[^<>@\s]{1,255}>\Z", re.IGNORECASE)


def issue_token(secret: bytes, workspace_id: str, number: int) -> str:
    """The token of a ticket: 18 characters and up, by its number."""
    named = number.to_bytes(max(1, -(-number.bit_length() // 8)), "big")
    return base64.b32encode(_mac(secret, workspace_id, named) + named).decode().rstrip("=").lower()


def read_token(secret: bytes, workspace_id: str, token: str) -> int | None:
    """The number of the ticket that a token of ours names; None for any other text."""
    try:
        decoded = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except (binascii.Error, ValueError):
        return None
    mac, named = decoded[:_MAC_BYTES], decoded[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, workspace_id, named)):
        return None
    return int.from_bytes(named, "big")


def reply_address(address: str, token: str) -> str:
    """The channel's address with a token: mail to it reaches the same channel."""
    local, _, domain = address.rpartition("@")
    return f"{local}+t.{token}@{domain}"


def without_tag(address: str) -> str:
    """The address without what stands behind a `+`, in lower case: what our addresses are known by."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def tokens_in_addresses(addresses: Iterator[str] | tuple[str, ...]) -> Iterator[str]:
    """What may be tokens in these addresses."""
    for address in addresses:
        if match := _REPLY_LOCAL.match(address.rpartition("@")[0]):
            yield match["token"].lower()


def outgoing_message_id(message_id: UUID, token: str, domain: str) -> str:
    """The Message-ID of a message of ours."""
    return f"<{message_id.hex}.{token}@{domain}>"


def read_message_id(rfc_message_id: str) -> tuple[UUID, str] | None:
    """The message and the token in a Message-ID that may be ours. The token is still to be read."""
    match = _MESSAGE_ID.match(rfc_message_id)
    return (UUID(hex=match["id"]), match["token"].lower()) if match else None


def loop_mark(secret: bytes, workspace_id: str) -> str:
    """What our mail carries so that we know it again, by workspace: another one's mail is no loop."""
    mac = hmac.digest(secret, b"loop\0" + workspace_id.encode(), hashlib.sha256)
    return base64.b32encode(mac[:_MAC_BYTES]).decode().lower()


def _mac(secret: bytes, workspace_id: str, named: bytes) -> bytes:
    text = b"reply\0" + workspace_id.encode() + b"\0" + named
    return hmac.digest(secret, text, hashlib.sha256)[:_MAC_BYTES]
