"""What running the engine needs of the world."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.router.app.configuration import RouterPart
from services.router.app.work_orders import OrderMessage
from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from services.router.domain.work_item import Ticket
from shared.db.unit_of_work import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedInput:
    """An input as it was given to the engine.

    part: the whole configuration as it was written, where the input brings one
    brought: its ticket as rows had it, where memory did not: what the engine is given beside its own state
    decisions: how many about work it led to
    """

    workspace_id: str
    decided_at: datetime
    seed: bytes
    current: inputs.Input
    part: RouterPart | None
    brought: Ticket | None
    decisions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDecision:
    """A decision about a ticket's work, with its time."""

    workspace_id: str
    ticket_id: UUID
    work_id: UUID | None
    decided_at: datetime
    decision: d.Decision


class RoutingRows(Protocol):
    """The rows that the engine's memory is made from, and kept in."""

    async def load(self, tx: Tx, workspaces: Collection[str], now: datetime) -> list[RoutingState]:
        """The whole routing state of these workspaces."""
        ...

    async def add_tickets(
        self, tx: Tx, states: Mapping[str, RoutingState], tickets: Mapping[str, Collection[UUID]]
    ) -> None:
        """Brings tickets into memory that have no live work, if they are known at all; by workspace."""
        ...

    async def offer_exists(self, tx: Tx, workspace_id: str, offer_id: UUID, agent_id: str | None) -> bool:
        """Whether this agent, or with none anybody, was ever made such an offer."""
        ...

    async def save(
        self,
        tx: Tx,
        states: Sequence[RoutingState],
        inputs: Sequence[LoggedInput],
        decisions: Sequence[LoggedDecision],
    ) -> None:
        """Stores what has changed since the last commit, the input log and the decision records."""
        ...

    async def forget_words(self, tx: Tx, tickets: Collection[tuple[str, UUID]]) -> None:
        """Takes what people typed about tickets out of all that is recorded; each as workspace and ticket."""
        ...

    async def add_order_messages(self, tx: Tx, messages: Sequence[OrderMessage]) -> None:
        """Stores what partners are to be told of their work orders."""
        ...

    async def save_configuration(self, tx: Tx, workspace_id: str, version: int, part: RouterPart, by: str) -> None:
        """Stores a workspace's configuration."""
        ...
