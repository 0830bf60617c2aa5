"""What goes wrong between us and a mail server."""

import re
from collections.abc import Collection

from shared.errors import WaypostError

_UNSEEMLY = re.compile(r"[^ -~]+")


class ImapError(WaypostError):
    """The mail server does not answer as it should."""


class ConnectionLost(ImapError):
    """The mail server has hung up."""


class Refused(ImapError):
    """The mail server says no."""


class LoginRefused(ImapError):
    """The mail server does not let us in."""


def shown(text: bytes, secrets: Collection[bytes] = ()) -> str:
    """What a server said, for people to read, without the secrets that it repeats."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        whole = rb"(?<![A-Za-z0-9])%b(?![A-Za-z0-9])" % re.escape(secret)
        text = re.sub(whole, b"...", text, flags=re.IGNORECASE)
    return _UNSEEMLY.sub(" ", text.decode("ascii", errors="replace")).strip()[:200]
