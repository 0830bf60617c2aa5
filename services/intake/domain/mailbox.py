"""Mailboxes elsewhere, whose mail a channel takes as its own."""

from dataclasses import dataclass, field
from enum import StrEnum


class Security(StrEnum):
    """How the connection to a mail server is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class After(StrEnum):
    """What is done with a mail at its server once it is ours."""

    SEEN = "seen"
    MOVE = "move"
    DELETE = "delete"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """How to get a token that opens a mailbox. scope: named each time, where the issuer wants that"""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteMailbox:
    """A folder of an account on an IMAP server.

    password: None where a token opens it; move_to: the folder to which mail goes that is ours
    """

    mailbox_id: str
    host: str
    port: int
    security: Security
    user: str
    password: str | None = field(repr=False)
    oauth: OAuth | None
    folder: str
    after: After
    move_to: str | None
