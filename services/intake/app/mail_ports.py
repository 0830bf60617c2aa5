"""What the use-cases of mail need of the world, beside what all of intake needs."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, Self
from uuid import UUID

from services.intake.app.ports import IdentityKey
from services.intake.domain.mail import AttachedFile, Mail
from services.intake.domain.message import Disposition
from shared.db.unit_of_work import Tx
from shared.errors import WaypostError


class UnreadableMail(WaypostError):
    """This mail cannot be read.

    is_parser_well: whether the process that tried can try another one
    """

    def __init__(self, message: str | None = None, *, is_parser_well: bool = True) -> None:
        super().__init__(message)
        self.is_parser_well = is_parser_well


RawKey = tuple[str, UUID]
"""Workspace and raw id."""

ReferenceKey = tuple[str, bytes]
"""Workspace and the hash by which a mail is recognised."""

NumberKey = tuple[str, int]
"""Workspace and ticket number."""


MAIL = "mail"
"""The form of a raw mail; whatever a provider posts has the provider's name."""

MESSAGE = "message"
"""The form of a message of our own API that was refused."""


class RawState(StrEnum):
    """What has become of something as it came."""

    RECEIVED = "received"
    PARSED = "parsed"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    DUPLICATE = "duplicate"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A mail, or what a provider posts, as it came: stored before it is read.

    raw_id: also the id of the message that it becomes
    sender: of the envelope, empty for a null sender, None where there was no envelope
    recipients: of the envelope; attempts: how often it was taken up
    form: `mail`, `message`, or the name of the provider who posted it
    headers: those of the post that reading needs
    """

    workspace_id: str
    raw_id: UUID
    channel: str
    sender: str | None
    recipients: tuple[str, ...]
    sha256: bytes
    size: int
    received_at: datetime
    traceparent: str | None
    attempts: int = 0
    form: str = MAIL
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> RawKey:
        """Workspace and id."""
        return self.workspace_id, self.raw_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMail:
    """A mail and what the parser made of it: a mail, or why it cannot be read.

    sha256s: of its attachments, in order; is_verified: whether the provider that brought it vouches for its sender
    named: addresses that stand in what cannot be read
    """

    raw: Raw
    mail: Mail | str
    sha256s: tuple[bytes, ...] = ()
    is_verified: bool = False
    named: tuple[str, ...] = field(default=(), repr=False)

    def blobs(self) -> dict[tuple[str, bytes], bytes]:
        """The bytes of its attachments, by workspace and hash."""
        if isinstance(self.mail, str):
            return {}
        files = zip(self.sha256s, self.mail.attachments, strict=True)
        return {(self.raw.workspace_id, sha256): file.content for sha256, file in files}

    def people(self) -> frozenset[str]:
        """The addresses of whoever wrote it, and of those whom a mail of ours did not reach, as it tells."""
        found = {self.raw.sender, *self.named}
        if isinstance(self.mail, Mail):
            found.add(self.mail.sender.address if self.mail.sender else None)
            found |= {failure.address for failure in self.mail.report.failures} if self.mail.report else set()
        return frozenset(address.lower() for address in found if address)


def with_hashes(raw: Raw, mail: Mail) -> ReadMail:
    """A mail with the hashes by which its attachments are stored."""
    sha256s = tuple(hashlib.sha256(file.content).digest() for file in mail.attachments)
    return ReadMail(raw=raw, mail=mail, sha256s=sha256s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it.

    reason: why nothing did, or what is odd about it
    people: by what those are known, in lower case, whom its bytes are about; so that it is found to be erased
    """

    raw: Raw
    state: RawState
    disposition: Disposition
    reason: str | None = None
    message_id: UUID | None = None
    ticket_id: UUID | None = None
    ticket_number: int | None = None
    people: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Referred:
    """The message that a reference names, and its ticket."""

    ticket_id: UUID
    message_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file of a message. Its bytes are a blob."""

    workspace_id: str
    attachment_id: UUID
    message_id: UUID
    file: AttachedFile = field(repr=False)
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What servers tell about a mail of ours: that it will not arrive, or not yet, or is not wanted.

    is_final: whether it will not arrive; is_hard: nor will any other one to its recipient
    is_complaint: whether its recipient took it for spam
    """

    workspace_id: str
    message_id: UUID
    is_final: bool
    is_hard: bool = False
    is_complaint: bool = False
    detail: str


class Raws(Protocol):
    """What came, as it came."""

    async def lock(self, tx: Tx, keys: Collection[RawKey], state: RawState) -> set[RawKey]:
        """Those that are in this state, locked."""
        ...

    async def settle(self, tx: Tx, outcomes: Sequence[Outcome]) -> None:
        """Keeps what became of them."""
        ...


class References(Protocol):
    """By what a mail is recognised that belongs to an earlier one."""

    async def find(self, tx: Tx, keys: Collection[ReferenceKey]) -> Mapping[ReferenceKey, Referred]:
        """What these references name, as far as they are known."""
        ...

    async def tickets(self, tx: Tx, numbers: Collection[NumberKey]) -> Mapping[NumberKey, UUID]:
        """Tickets by their number."""
        ...

    async def numbers(self, tx: Tx, tickets: Collection[tuple[str, UUID]]) -> Mapping[tuple[str, UUID], int]:
        """The numbers of tickets."""
        ...

    async def channels(self, tx: Tx, tickets: Collection[tuple[str, UUID]]) -> Mapping[tuple[str, UUID], str]:
        """The channels of tickets."""
        ...

    async def add(self, tx: Tx, references: Mapping[ReferenceKey, Referred]) -> None:
        """Keeps new references; one that is known stays as it is."""
        ...


class MailMessages(Protocol):
    """What messages have that came or leave by mail."""

    async def add_attachments(self, tx: Tx, attachments: Sequence[Attachment]) -> None:
        """Keeps the files of messages. Their bytes are stored already."""
        ...

    async def add_recipients(self, tx: Tx, recipients: Mapping[tuple[str, UUID], Sequence[str]]) -> None:
        """Adds to the addresses that messages were delivered to."""
        ...

    async def flag_addresses(self, tx: Tx, bounces: Sequence[Bounce]) -> None:
        """Keeps that mail never arrives, or is not wanted, at the addresses that these went to."""
        ...

    async def record_writers(self, tx: Tx, writers: Collection[IdentityKey]) -> None:
        """Whoever has written can be written to again."""
        ...


class Staged(Protocol):
    """What is left to store in the commit that names the bytes.

    It is called once in a commit, after everything that locks in an order of its own. Those of several are put
    together with `|` before: so all their rows are locked in one order.
    """

    async def __call__(self, tx: Tx) -> None:
        """Names them."""
        ...

    def __or__(self, other: Self) -> Self:
        """Both together."""
        ...


class Blobs(Protocol):
    """Bytes, known by their SHA-256 in their workspace."""

    async def stage(self, blobs: Mapping[tuple[str, bytes], bytes]) -> Staged:
        """Brings bytes to where they stay, before the commit that names them. Raises Unavailable."""
        ...

    async def read(self, workspace_id: str, sha256: bytes) -> bytes:
        """The bytes. Raises NotFound, and Unavailable."""
        ...

    async def delete(self, tx: Tx, workspace_id: str, sha256s: Collection[bytes]) -> None:
        """Forgets those of these bytes that no row of this commit or before it names. They are gone soon after."""
        ...
