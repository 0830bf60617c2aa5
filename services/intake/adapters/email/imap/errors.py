"""What goes wrong between us and a mail server."""

import re

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


def shown(text: bytes) -> str:
    """What a server said, for people to read."""
    return _UNSEEMLY.sub(" ", text.decode("ascii", errors="replace")).strip()[:200]
