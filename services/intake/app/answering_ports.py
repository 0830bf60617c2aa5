"""What notices, surveys and uploaded files need of the world."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.intake.app.ports import TicketKey
from services.intake.domain.notice import Circumstances
from services.intake.domain.notice_plan import Reason, SurveyForm
from shared.db.unit_of_work import Tx
from shared.vocabulary import ChannelKind

NoticeKey = tuple[str, UUID, Reason]
"""Workspace, ticket and reason."""


class NoticeState(StrEnum):
    """What has become of a notice."""

    DUE = "due"
    SENT = "sent"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice in its place.

    since: when its reason came up, where that is known; times: how often it was sent; why: it was withheld
    """

    key: NoticeKey
    state: NoticeState
    due_at: datetime
    since: datetime | None = None
    times: int = 0
    why: str | None = None

    def withheld(self, why: str) -> "Notice":
        """As it is when it is not sent."""
        return replace(self, state=NoticeState.WITHHELD, why=why)


class Notices(Protocol):
    """What customers are told without anybody writing it."""

    async def lock_due(self, tx: Tx, keys: Collection[NoticeKey], now: datetime) -> list[Notice]:
        """Those of these that are due, locked."""
        ...

    async def circumstances(
        self, tx: Tx, keys: Collection[TicketKey], by: Mapping[TicketKey, tuple[str, ChannelKind]]
    ) -> Mapping[TicketKey, Circumstances]:
        """What is known about the customers of tickets. by: other channels than theirs, to reach callers"""
        ...

    async def settle(self, tx: Tx, notices: Sequence[Notice], now: datetime) -> None:
        """Keeps what has become of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a customer was asked about a ticket, and what they answered. The last answer counts.

    agent_id: who solved the ticket; revision: how often they have answered
    """

    workspace_id: str
    ticket_id: UUID
    form: SurveyForm
    agent_id: str | None
    language: str
    sent_at: datetime
    score: int | None = None
    comment: str = field(default="", repr=False)
    revision: int = 0
    rated_at: datetime | None = None


class Surveys(Protocol):
    """Surveys."""

    async def add(self, tx: Tx, survey: Survey) -> None:
        """A survey that is sent."""
        ...

    async def get(self, tx: Tx, key: TicketKey) -> Survey | None:
        """What was asked about a ticket, if it was."""
        ...

    async def lock(self, tx: Tx, key: TicketKey) -> Survey | None:
        """The same, to be changed."""
        ...

    async def save(self, tx: Tx, survey: Survey) -> None:
        """An answered survey."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that waits for the reply that takes it along. Its bytes are a blob.

    content_id: by which the reply's HTML shows it
    """

    workspace_id: str
    attachment_id: UUID
    filename: str
    media_type: str
    size: int
    sha256: bytes
    content_id: str | None
    created_at: datetime


class Uploads(Protocol):
    """Files that wait."""

    async def add(self, tx: Tx, upload: Upload) -> None:
        """A file whose bytes are stored."""
        ...

    async def attach(
        self, tx: Tx, message: tuple[str, UUID], ids: Sequence[UUID], since: datetime
    ) -> list[Upload]:
        """Makes files of a message of those of these that wait since then or later; they are what it gives."""
        ...


class RichText(Protocol):
    """HTML that is safe to show and to send."""

    def clean(self, html: str) -> str:
        """Without scripts, forms, styles and whatever is fetched from elsewhere."""
        ...

    def to_text(self, html: str) -> str:
        """What a reader of it sees."""
        ...
