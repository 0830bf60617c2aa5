"""What intake's use-cases need of the world."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.intake.domain.customer import Customer
from services.intake.domain.message import Disposition, Identity, InboundMessage
from services.intake.domain.ticket import Ticket
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.vocabulary import ChannelKind

IdentityKey = tuple[str, Identity]
"""Workspace and identity."""

TicketKey = tuple[str, UUID]
"""Workspace and ticket."""

DedupeKey = tuple[str, str, str]
"""Workspace, channel and what recognises a repeat there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one inbound message."""

    ticket_id: UUID | None
    ticket_number: int | None
    message_id: UUID
    disposition: Disposition
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """An inbound message in its place."""

    message: InboundMessage
    channel_kind: ChannelKind
    ticket_id: UUID
    customer_id: UUID
    is_public: bool
    disposition: Disposition
    received_at: datetime


class Conversations(Protocol):
    """Tickets, messages and customers. Whatever is loaded is locked, in the one order that everybody keeps."""

    async def receipts(self, tx: Tx, keys: Collection[DedupeKey]) -> dict[DedupeKey, Receipt]:
        """What became of messages that were received before."""
        ...

    async def lock_customers(self, tx: Tx, keys: Collection[IdentityKey]) -> dict[IdentityKey, Customer]:
        """The customers behind identities that are known."""
        ...

    async def lock_tickets(self, tx: Tx, keys: Collection[TicketKey]) -> dict[TicketKey, Ticket]:
        """Tickets by the id that was asked for; a merged one is followed to where it went."""
        ...

    async def take_numbers(self, tx: Tx, counts: Mapping[str, int]) -> dict[str, int]:
        """The first of so many ticket numbers, by workspace."""
        ...

    async def add_customers(self, tx: Tx, customers: Mapping[IdentityKey | UUID, Customer]) -> None:
        """New customers, by the identity that points to them, or by their id where nobody can say who they are.

        Raises Collision where somebody else was faster with an identity.
        """
        ...

    async def save_tickets(self, tx: Tx, tickets: Sequence[Ticket]) -> None:
        """New and changed tickets."""
        ...

    async def add_messages(self, tx: Tx, messages: Sequence[StoredMessage]) -> None:
        """New inbound messages."""
        ...


class Workspaces(Protocol):
    """The configuration of workspaces."""

    async def load(self, tx: Tx, workspaces: Collection[str]) -> Mapping[str, Workspace]:
        """The configuration that holds in each workspace, as of this transaction."""
        ...
