"""What recording calls needs of the world, beside what receiving messages needs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.intake.app.ports import Conversations, Correspondence, TicketKey, Workspaces
from services.intake.domain.call import CallEvent, CallPhase, CallSummary
from services.intake.domain.call_follow_up import Owed
from services.intake.domain.ticket import Ticket
from shared.db.unit_of_work import Tx
from shared.ids import IdFactory

CallKey = tuple[str, str, str]
"""Workspace, channel and by what the channel's provider knows the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it is kept.

    ticket_id: none while nobody has told who calls; has_opened: whether the call opened it
    caller: normalised, empty where they withhold it; none where nobody has told yet
    revision: of what was told last about its end; 0 where nothing was
    is_owed: whether somebody has to come back to it, as its channel was configured when its end was told
    settles_at: when what comes late is waited for no longer, if it is waited for
    reopened_at: when it reopened its ticket last, if it did
    """

    workspace_id: str
    channel: str
    provider_call_id: str
    call_id: UUID
    ticket_id: UUID | None = None
    has_opened: bool = False
    caller: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    called: str | None = field(default=None, repr=False)
    phase: CallPhase
    started_at: datetime
    summary: CallSummary | None = None
    revision: int = 0
    is_owed: bool = False
    settles_at: datetime | None = None
    reopened_at: datetime | None = None

    @property
    def key(self) -> CallKey:
        """By what its provider's events name it."""
        return self.workspace_id, self.channel, self.provider_call_id

    @property
    def ticket_key(self) -> TicketKey | None:
        """Its ticket."""
        return (self.workspace_id, self.ticket_id) if self.ticket_id else None

    @property
    def owed(self) -> Owed | None:
        """What its ticket is labelled by, where somebody has to come back to it."""
        if self.summary is None or not self.is_owed:
            return None
        return Owed(ended_at=self.summary.ended_at, call_id=self.call_id, outcome=self.summary.outcome)


class Calls(Protocol):
    """Calls and what was told about them."""

    async def lock(self, tx: Tx, keys: Collection[CallKey]) -> None:
        """Lets nobody else record about these calls until the commit. Before all other locks."""
        ...

    async def find(self, tx: Tx, keys: Collection[CallKey]) -> dict[CallKey, tuple[Call, int]]:
        """Those that are known, with how many events were told about them."""
        ...

    async def events(self, tx: Tx, keys: Collection[CallKey]) -> dict[CallKey, list[CallEvent]]:
        """What was told about calls."""
        ...

    async def others(
        self, tx: Tx, tickets: Collection[TicketKey], than: Collection[UUID]
    ) -> dict[TicketKey, Owed | None]:
        """Those of these tickets that have calls other than these, with the last of them that is followed up."""
        ...

    async def with_messages(self, tx: Tx, keys: Collection[TicketKey]) -> set[TicketKey]:
        """Those of these tickets in which somebody has written something."""
        ...

    async def add_events(self, tx: Tx, events: Sequence[tuple[CallKey, CallEvent]], now: datetime) -> None:
        """What was told; what stands there already stays."""
        ...

    async def save_calls(self, tx: Tx, calls: Sequence[Call]) -> None:
        """New and changed calls."""
        ...

    async def unsettle(self, tx: Tx, keys: Collection[CallKey]) -> None:
        """Nothing is waited for any more."""
        ...

    async def save_subjects(self, tx: Tx, tickets: Sequence[Ticket]) -> None:
        """Makes the subjects of new tickets ones that they are found by."""
        ...

    async def retell(self, tx: Tx, texts: Mapping[tuple[str, str, str], str]) -> None:
        """What is said in messages, by workspace, channel and dedupe key, that were stored before it was known."""
        ...


class CallConversations(Conversations, Correspondence, Protocol):
    """Tickets, customers and messages, as calls touch them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDesk:
    """What recording calls needs."""

    calls: Calls
    conversations: CallConversations
    workspaces: Workspaces
    ids: IdFactory
