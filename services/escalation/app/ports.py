"""What escalation's use-cases need of the world."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from services.escalation.domain.clock_record import ClockRecord, Timer, clock_timers, escalation_timers
from services.escalation.domain.escalation import Escalation
from services.escalation.domain.happening import Happening
from services.escalation.domain.notification import Notification
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.stand_in import StandIn
from services.escalation.domain.ticket import Ticket
from services.escalation.domain.watch import Waiting, Watch
from shared.db.unit_of_work import Tx
from shared.events.envelope import Event

TicketKey = tuple[str, UUID]
"""Workspace and ticket."""

WatchKey = tuple[str, str]
"""Workspace and what is watched."""

Histories = Mapping[str, PolicyHistory]
"""The versions of each workspace's service levels."""


Window = tuple[str, str, timedelta]
"""Workspace, escalation policy, and a time up to now in which it is counted how often it was set off."""


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket with its clocks and its live escalations.

    clocks: the newest of each metric, or all of them where the ticket is folded anew
    """

    ticket: Ticket
    clocks: tuple[ClockRecord, ...] = ()
    escalations: tuple[Escalation, ...] = ()

    @property
    def key(self) -> TicketKey:
        """Workspace and ticket."""
        return self.ticket.workspace_id, self.ticket.ticket_id

    def timers(self) -> set[Timer]:
        """The timers that follow from it."""
        return {
            *(timer for record in self.clocks for timer in clock_timers(record)),
            *(timer for escalation in self.escalations for timer in escalation_timers(escalation)),
        }


@dataclass(frozen=True, slots=True)
class Saving:
    """A case as it was and as it is to be kept.

    timers: those that it has now; by default those that follow from how it was
    """

    before: Case
    after: Case
    notifications: tuple[Notification, ...] = ()
    timers: set[Timer] | None = field(default=None)


class Tracking(Protocol):
    """Tickets, clocks, escalations and timers."""

    async def lock(
        self, tx: Tx, keys: Collection[TicketKey], *, is_patient: bool = True
    ) -> dict[TicketKey, Ticket]:
        """Tickets that are known, locked in the one order that everybody keeps.

        is_patient: waits for whoever else has locked one; otherwise leaves those out
        """
        ...

    async def cases(
        self, tx: Tx, tickets: Mapping[TicketKey, Ticket], histories: Histories
    ) -> dict[TicketKey, Case]:
        """Tickets that are locked, with their newest clocks and live escalations."""
        ...

    async def all_clocks(
        self, tx: Tx, keys: Collection[TicketKey], histories: Histories
    ) -> dict[TicketKey, tuple[ClockRecord, ...]]:
        """Every clock that these tickets ever had."""
        ...

    async def keep(self, tx: Tx, events: Sequence[tuple[TicketKey, Event]]) -> None:
        """Keeps events for the day when their ticket is folded anew."""
        ...

    async def happenings(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, list[Happening]]:
        """Everything that has happened to these tickets."""
        ...

    async def timers(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, set[Timer]]:
        """The timers that stand in the table."""
        ...

    async def live(self, tx: Tx, workspace_id: str, after: UUID | None, most: int) -> list[TicketKey]:
        """Tickets with a running clock, in the order of their ids, after one of them."""
        ...

    def open_cases(
        self, tx: Tx, workspace_id: str, *, most: int, histories: Histories, with_history: bool
    ) -> AsyncGenerator[Mapping[TicketKey, Case]]:
        """All open tickets with their newest clocks, to look at only, so many at a time.

        The next ones are read while the caller works on some: to be closed before the transaction is over.
        with_history: otherwise clocks come without it, but for the last line of one that lost its target
        """
        ...

    async def save(self, tx: Tx, savings: Sequence[Saving]) -> None:
        """Stores what has changed, and the timers that follow from it."""
        ...

    async def begun(self, tx: Tx, windows: Mapping[Window, int], now: datetime) -> Mapping[Window, int]:
        """How often each policy was set off in the time up to now, counted up to so many."""
        ...

    async def stand_ins(
        self, tx: Tx, workspaces: Collection[str], start: datetime, until: datetime
    ) -> Sequence[StandIn]:
        """Overrides between two instants."""
        ...

    async def lock_turns(self, tx: Tx, teams: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """By workspace and team who had the last turn; nobody else takes one until this transaction is over."""
        ...

    async def save_turns(self, tx: Tx, taken: Mapping[tuple[str, str], str]) -> None:
        """Stores who had the last turn."""
        ...

    async def turns(self, tx: Tx, workspace_id: str) -> Mapping[str, str]:
        """Who had the last turn in each team, to look at only."""
        ...

    async def live_on(self, tx: Tx, workspace_id: str, policy: str) -> int:
        """How many live escalations run on a policy."""
        ...

    async def seen(self, tx: Tx, key: TicketKey) -> Ticket | None:
        """One ticket, to look at only."""
        ...

    async def told_on_call(self, tx: Tx, workspace_id: str, rotation: str) -> list[UUID | str]:
        """The tickets, and what is watched, with escalations that told somebody on call for a rotation."""
        ...

    async def root_of(self, tx: Tx, workspace_id: str, escalation_id: UUID) -> UUID | str | None:
        """Whose lock guards an escalation: its ticket's, or that of what is watched; none: it is not there."""
        ...

    async def forget_reasons(self, tx: Tx, keys: Collection[TicketKey]) -> None:
        """Takes out what people gave as the reasons of these tickets' escalations."""
        ...

    async def escalation(
        self, tx: Tx, workspace_id: str, escalation_id: UUID, histories: Histories
    ) -> Escalation | None:
        """One escalation, whatever became of it."""
        ...


class Watches(Protocol):
    """Queues and KPIs that are looked at, and the escalations that are about them."""

    async def look(self, tx: Tx, watches: Collection[Watch], at: datetime) -> None:
        """Has them looked at by a moment, also new ones, and notes which KPIs are out of bounds.

        Whoever has locked some of them looks at all that it is about at once: there is one order of locks.
        """
        ...

    async def look_at_all(self, tx: Tx, workspace_id: str, at: datetime) -> None:
        """Has everything looked at that is watched in a workspace, and who is on call for what was told of it."""
        ...

    async def lock(self, tx: Tx, keys: Collection[WatchKey], *, is_patient: bool = True) -> dict[WatchKey, Watch]:
        """Watches, locked in the one order that everybody keeps, and after any tickets."""
        ...

    async def live(
        self, tx: Tx, keys: Collection[WatchKey], histories: Histories
    ) -> dict[WatchKey, tuple[Escalation, ...]]:
        """Their live escalations, the oldest first."""
        ...

    async def waiting(self, tx: Tx, most: Mapping[Watch, int]) -> dict[WatchKey, Waiting]:
        """What waits in the queues of watches, counted up to as many each."""
        ...

    async def save(self, tx: Tx, watches: Collection[Watch], escalations: Collection[Escalation]) -> None:
        """Stores watches as they are, and what has changed of their escalations."""
        ...

    async def save_escalations(self, tx: Tx, escalations: Collection[Escalation], at: datetime) -> None:
        """Stores what a person has changed of them, and has their watches looked at, which are locked."""
        ...

    async def notify(self, tx: Tx, notifications: Sequence[Notification]) -> None:
        """Has people and systems told."""
        ...


class ServiceLevels(Protocol):
    """The configuration of workspaces."""

    async def load(self, tx: Tx, workspaces: Collection[str]) -> Histories:
        """Every version that has held in each workspace, as of this transaction."""
        ...


class Rosters(Protocol):
    """Who stands in for whom on call."""

    async def lock(self, tx: Tx, workspace_id: str) -> None:
        """Keeps out whoever else changes the workspace's overrides or rotations."""
        ...

    async def stand_ins(
        self, tx: Tx, workspace_id: str, start: datetime, end: datetime, *, rotation: str | None = None
    ) -> Sequence[StandIn]:
        """Those that were or will be in force between two instants."""
        ...

    async def stand_in(self, tx: Tx, workspace_id: str, override_id: UUID) -> StandIn | None:
        """One of them, whatever became of it."""
        ...

    async def halves(self, tx: Tx, workspace_id: str, swap_id: UUID) -> Sequence[StandIn]:
        """Both halves of a swap."""
        ...

    async def add(self, tx: Tx, stand_ins: Sequence[StandIn]) -> None:
        """Stores new ones."""
        ...

    async def end(self, tx: Tx, stand_in: StandIn) -> None:
        """Stores that one was ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """A timer that had an effect, and when it should have had it."""

    kind: str
    due_at: datetime
    fired_at: datetime
