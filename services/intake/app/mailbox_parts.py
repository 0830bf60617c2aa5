"""Mailboxes as they are configured on a mail channel."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Annotated

from pydantic import Field, StringConstraints

from services.intake.domain.mailbox import After, OAuth, RemoteMailbox, Security
from shared.configuration import Problem, repeated
from shared.http.types import Request, Slug
from shared.secrets import Secret

_PORTS = {Security.TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

Host = Annotated[
    str, StringConstraints(pattern=rf"^({_LABEL}(\.{_LABEL})*|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$", max_length=253)
]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https?://[!$-.0->A-~]+[!$-~]*$", max_length=2000)]


class OAuthPart(Request):
    """How to get a token that opens the mailbox, by its refresh token (RFC 6749, section 6)."""

    token_url: HttpsUrl
    client_id: Line
    client_secret: Secret
    refresh_token: Secret
    scope: Annotated[str, StringConstraints(pattern=r"^[!-~ ]{1,1000}$")] | None = None


class MailboxPart(Request):
    """A mailbox elsewhere that is looked into by IMAP."""

    id: Slug
    host: Host
    port: int | None = Field(default=None, ge=1, le=65535, description="993 with tls, 143 without.")
    security: Security = Security.TLS
    user: Line
    password: Secret | None = None
    oauth2: OAuthPart | None = None
    folder: Line = "INBOX"
    after: After = Field(default=After.SEEN, description="What is done with a mail there once it is stored here.")
    move_to: Line | None = Field(default=None, description="The folder to which `move` takes it; made if missing.")

    @property
    def source(self) -> str:
        """What its messages' numbers belong to: with another one they count from the start."""
        return f"{self.user}@{self.host.lower()}:{self.port or _PORTS[self.security]}/{self.folder}"

    @property
    def fingerprint(self) -> bytes:
        """Changes with anything in it."""
        return hashlib.sha256(self.model_dump_json().encode()).digest()


Mailboxes = Annotated[tuple[MailboxPart, ...], Field(max_length=20)]


def to_mailbox(part: MailboxPart, opened: Callable[[Secret], str]) -> RemoteMailbox:
    """The mailbox. Raises ValueError for a secret that was sealed with another key."""
    oauth = part.oauth2
    return RemoteMailbox(
        mailbox_id=part.id,
        host=part.host,
        port=part.port or _PORTS[part.security],
        security=part.security,
        user=part.user,
        password=opened(part.password) if part.password else None,
        oauth=OAuth(
            token_url=oauth.token_url,
            client_id=oauth.client_id,
            client_secret=opened(oauth.client_secret),
            refresh_token=opened(oauth.refresh_token),
            scope=oauth.scope,
        )
        if oauth
        else None,
        folder=part.folder,
        after=part.after,
        move_to=part.move_to,
    )


def mailbox_problems(at: str, mailboxes: tuple[MailboxPart, ...]) -> Iterator[Problem]:
    """What is wrong with these mailboxes."""
    yield from repeated(at, [part.id for part in mailboxes])
    for number, part in enumerate(mailboxes):
        if (part.password is None) == (part.oauth2 is None):
            yield f"{at}/{number}", "opens with a password or with oauth2"
        if (part.after is After.MOVE) != (part.move_to is not None):
            yield f"{at}/{number}/move_to", "says where to, with after: move"
        if part.move_to == part.folder:
            yield f"{at}/{number}/move_to", "is the folder that is looked into"
