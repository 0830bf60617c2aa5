"""What metrics' use-cases need of the world."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.metrics.domain.agent import AgentKey, TrackedAgent
from services.metrics.domain.fact import Fact, FactId, FactKind, Place, Scope
from services.metrics.domain.intervals import Span
from services.metrics.domain.kpi import Selection
from services.metrics.domain.rollup import Cell, CellKey
from services.metrics.domain.tracked import Standing, TicketKey, TrackedTicket
from shared.db.unit_of_work import Tx

PageKey = tuple[int, str, str]
"""A place in a list: microseconds since 1970, and two names that tell apart what shares a moment."""


class Ledger(Protocol):
    """Tracked tickets and agents, facts and rollups, set by set. One writer a shard: nothing is locked."""

    async def tickets(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, TrackedTicket]:
        """Those that are known."""
        ...

    async def save_tickets(self, tx: Tx, tickets: Sequence[tuple[TrackedTicket, Standing | None]]) -> None:
        """New and changed tickets, each with its part in the gauges."""
        ...

    async def agents(self, tx: Tx, keys: Collection[AgentKey]) -> dict[AgentKey, TrackedAgent]:
        """Those that are known."""
        ...

    async def save_agents(self, tx: Tx, agents: Sequence[TrackedAgent]) -> None:
        """New and changed agents."""
        ...

    async def save_facts(self, tx: Tx, *, gone: Collection[FactId], facts: Sequence[Fact]) -> None:
        """Removes facts, then writes new and changed ones."""
        ...

    async def cells(self, tx: Tx, keys: Collection[CellKey]) -> dict[CellKey, Cell]:
        """The cells that are not empty."""
        ...

    async def recount(self, tx: Tx, keys: Collection[CellKey]) -> dict[CellKey, Cell]:
        """Cells made anew from the facts that are written."""
        ...

    async def save_cells(self, tx: Tx, cells: Mapping[CellKey, Cell]) -> None:
        """New and changed cells; those that are empty now disappear."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """What the facts of one kind and aspect in one base interval come to."""

    bucket: datetime
    kind: FactKind
    aspect: str
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """One of those that a number counts: a fact, a ticket in a gauge, or an agent.

    kind: of the fact, or the state that it is counted in
    """

    kind: str
    aspect: str = ""
    ticket_id: UUID | None
    place: Place
    value: int | None = None
    business_value: int | None = None
    started_at: datetime | None
    ended_at: datetime | None = None
    after: PageKey
    """Where the page after it begins."""


class History(Protocol):
    """What was counted in a workspace, and what stands behind it."""

    async def counted(
        self, workspace_id: str, selections: Sequence[Selection], span: Span, scopes: Sequence[Scope]
    ) -> Sequence[Counted]:
        """The cells of facts that are in all of these scopes. Raises InvalidInput where there are too many."""
        ...

    async def facts(
        self,
        workspace_id: str,
        selections: Sequence[Selection],
        span: Span,
        scopes: Sequence[Scope],
        *,
        after: PageKey | None,
        most: int,
    ) -> Sequence[Behind]:
        """Facts by their end, the first of them after a place."""
        ...

    async def backlog(
        self,
        workspace_id: str,
        states: frozenset[str] | None,
        scopes: Sequence[Scope],
        *,
        after: PageKey | None,
        most: int,
    ) -> Sequence[Behind]:
        """Unsolved tickets, the oldest first."""
        ...

    async def waiting(
        self,
        workspace_id: str,
        scopes: Sequence[Scope],
        *,
        after: PageKey | None,
        most: int,
    ) -> Sequence[Behind]:
        """Tickets that wait for an agent, the longest first."""
        ...

    async def agents(self, workspace_id: str) -> Sequence[TrackedAgent]:
        """All agents that were heard of."""
        ...


class Feeds(Protocol):
    """The last sequence and time of what was published about each KPI."""

    async def advance(
        self, tx: Tx, counts: Mapping[tuple[str, str], int], now: datetime
    ) -> dict[tuple[str, str], tuple[int, datetime]]:
        """The last of so many new sequences by (workspace, KPI), and a time that does not go back."""
        ...
