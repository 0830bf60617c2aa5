"""What changing, merging and erasing customers needs of the world."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.intake.app.ports import CustomerKey, Customers, Tickets
from services.intake.domain.customer import Customer
from services.intake.domain.message import Identity
from services.intake.domain.ticket import Ticket
from shared.db.unit_of_work import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerHistory:
    """What somebody did to a customer as a whole: `merged` into or with another one, `erased`."""

    workspace_id: str
    customer_id: UUID
    at: datetime
    action: str
    other_id: UUID | None = None
    actor: str


class Clients(Tickets, Customers, Protocol):
    """What changes of customers touch."""

    async def lock_customer(
        self, tx: Tx, key: CustomerKey, wanted: Collection[Identity]
    ) -> tuple[Customer, frozenset[Identity]] | None:
        """A customer with their identities; those, the wanted ones and the customer are locked."""
        ...

    async def save_customer(self, tx: Tx, customer: Customer) -> None:
        """A changed customer."""
        ...

    async def set_identities(
        self, tx: Tx, key: CustomerKey, *, added: Collection[Identity], removed: Collection[Identity]
    ) -> None:
        """Other identities of a locked customer. Raises Conflict where one is another customer's."""
        ...

    async def lock_customer_tickets(
        self, tx: Tx, key: CustomerKey, after: UUID | None, most: int, *, only_unsolved: bool
    ) -> list[Ticket]:
        """The next tickets of a customer, by id."""
        ...

    async def lock_both(
        self, tx: Tx, workspace_id: str, one: UUID, other: UUID
    ) -> Mapping[UUID, tuple[Customer, frozenset[Identity]]]:
        """Two customers with their identities, all locked, as far as they are there."""
        ...

    async def move_identities(self, tx: Tx, source: CustomerKey, target: UUID) -> None:
        """Makes a locked customer's identities another one's."""
        ...

    async def move_messages(self, tx: Tx, source: CustomerKey, target: UUID) -> None:
        """Makes what a customer wrote another one's, and whoever was merged into them before."""
        ...

    async def add_history(self, tx: Tx, entry: CustomerHistory) -> None:
        """Keeps who merged or erased a customer."""
        ...


class Erasure(Protocol):
    """Forgets people."""

    async def forget(self, tx: Tx, key: CustomerKey) -> None:
        """Takes everything personal of a customer out of every table but their own row and their tickets'."""
        ...


class States(Protocol):
    """Tickets as a whole, for readers that have lost their history."""

    async def lock_next(
        self, tx: Tx, workspace_id: str, after: UUID | None, most: int
    ) -> list[tuple[Ticket, Customer]]:
        """The next tickets of a workspace with their customers, by id."""
        ...
