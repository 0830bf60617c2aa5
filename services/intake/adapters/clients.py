"""Customers to look at and to change, in PostgreSQL."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import insert, select, text, update

from services.intake.adapters import tables
from services.intake.adapters.customers import CUSTOMER, PostgresCustomers, to_customer
from services.intake.adapters.email.reachability import reachability
from services.intake.adapters.tickets import PostgresTickets, to_ticket
from services.intake.app.client_ports import CustomerHistory
from services.intake.app.ports import CustomerKey
from services.intake.domain.customer import Customer
from services.intake.domain.message import Identity, IdentityKind
from services.intake.domain.reachability import Reachability
from services.intake.domain.ticket import Ticket
from shared.db.engine import Collision
from shared.db.unit_of_work import Tx
from shared.errors import Conflict, NotFound

_NIL = UUID(int=0)

_IDENTITIES = text(
    "SELECT i.customer_id, i.kind, i.value FROM unnest(CAST(:ids AS uuid[])) AS w (customer_id)"
    " JOIN identity i ON i.workspace_id = :workspace_id AND i.customer_id = w.customer_id"
    " ORDER BY i.kind, i.value"
)
# Weaker than FOR UPDATE: a new ticket that refers to the customer need not wait.
_LOCK_CUSTOMER = text(
    "SELECT * FROM customer WHERE workspace_id = :workspace_id AND customer_id = :customer_id FOR NO KEY UPDATE"
)
_REMOVE_IDENTITIES = text(
    "DELETE FROM identity i USING unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS w (kind, value)"
    " WHERE i.workspace_id = :workspace_id AND i.kind = w.kind AND i.value = w.value"
    " AND i.customer_id = :customer_id"
)
_TICKETS = text(
    "SELECT t.* FROM ticket t WHERE t.workspace_id = :workspace_id AND t.customer_id = :customer_id"
    " AND (NOT :only_unsolved OR t.status NOT IN ('solved', 'closed')) AND t.ticket_id > :after"
    " ORDER BY t.ticket_id LIMIT :most FOR UPDATE"
)
_LOCK_BOTH = text(
    "SELECT c.* FROM customer c WHERE c.workspace_id = :workspace_id"
    " AND c.customer_id = ANY (CAST(:ids AS uuid[])) ORDER BY c.customer_id FOR NO KEY UPDATE"
)
_MOVE_IDENTITIES = text(
    "UPDATE identity SET customer_id = :target WHERE workspace_id = :workspace_id AND customer_id = :customer_id"
)
_MOVE_MESSAGES = text(
    "UPDATE message SET customer_id = :target WHERE workspace_id = :workspace_id AND customer_id = :customer_id"
)
_MOVE_MERGED = text(
    "UPDATE customer SET merged_into = :target WHERE workspace_id = :workspace_id AND merged_into = :customer_id"
)
_NEXT = text(
    "SELECT t.* FROM ticket t WHERE t.workspace_id = :workspace_id AND t.ticket_id > :after"
    " ORDER BY t.ticket_id LIMIT :most FOR UPDATE"
)
_LIST = text(
    "SELECT c.* FROM customer c WHERE c.workspace_id = :workspace_id AND c.customer_id < :before"
    " AND c.merged_into IS NULL"
    " ORDER BY c.customer_id DESC LIMIT :most"
)
_FIND = text(
    "SELECT DISTINCT c.* FROM unnest(CAST(:kinds AS text[])) AS k (kind)"
    " CROSS JOIN unnest(CAST(:values AS text[])) AS v (value)"
    " JOIN identity i ON i.workspace_id = :workspace_id AND i.kind = k.kind AND i.value = v.value"
    " JOIN customer c ON c.workspace_id = i.workspace_id AND c.customer_id = i.customer_id"
    " WHERE c.customer_id < :before ORDER BY c.customer_id DESC LIMIT :most"
)


class PostgresClients(PostgresTickets, PostgresCustomers):
    """Implements the ports `Clients` and `States`, and `Customers` of queries."""

    async def lock_customer(
        self, tx: Tx, key: CustomerKey, wanted: Collection[Identity]
    ) -> tuple[Customer, frozenset[Identity]] | None:
        """A customer with their identities; those, the wanted ones and the customer are locked."""
        seen = await self._identities(tx, key[0], [key[1]])
        known = frozenset(seen.get(key[1], ()))
        await self.lock_customers(tx, {(key[0], identity) for identity in {*known, *wanted}})
        row = (await tx.execute(_LOCK_CUSTOMER, _of(key))).mappings().one_or_none()
        if row is None:
            return None
        if frozenset((await self._identities(tx, key[0], [key[1]])).get(key[1], ())) != known:
            raise Collision("the customer's identities have changed meanwhile")
        return to_customer(row), known

    async def save_customer(self, tx: Tx, customer: Customer) -> None:
        """A changed customer."""
        t = tables.customer
        values = {name: getattr(customer, name) for name in CUSTOMER}
        of_it = (t.c.workspace_id == customer.workspace_id) & (t.c.customer_id == customer.customer_id)
        await tx.execute(update(t).where(of_it).values(values))

    async def set_identities(
        self, tx: Tx, key: CustomerKey, *, added: Collection[Identity], removed: Collection[Identity]
    ) -> None:
        """Other identities of a locked customer. Raises Conflict where one is another customer's."""
        if removed:
            pairs = {"kinds": [item.kind for item in removed], "values": [item.value for item in removed]}
            await tx.execute(_REMOVE_IDENTITIES, {**_of(key), **pairs})
        if added:
            taken = await self.lock_customers(tx, {(key[0], identity) for identity in added})
            if taken:
                raise Conflict("An identity belongs to another customer.")
            await self.add_identities(tx, [(key[0], identity, key[1]) for identity in added])

    async def reachability(
        self, tx: Tx, workspace_id: str, identities: Collection[Identity]
    ) -> dict[Identity, Reachability]:
        """Which of these cannot be mailed, or not by itself."""
        found = await reachability(tx, [(workspace_id, identity) for identity in identities])
        return {identity: known for (_, identity), known in found.items()}

    async def lock_customer_tickets(
        self, tx: Tx, key: CustomerKey, after: UUID | None, most: int, *, only_unsolved: bool
    ) -> list[Ticket]:
        """The next tickets of a customer, by id."""
        wanted = {"after": after or _NIL, "most": most, "only_unsolved": only_unsolved}
        rows = await tx.execute(_TICKETS, {**_of(key), **wanted})
        return [to_ticket(row) for row in rows.mappings()]

    async def lock_both(
        self, tx: Tx, workspace_id: str, one: UUID, other: UUID
    ) -> dict[UUID, tuple[Customer, frozenset[Identity]]]:
        """Two customers with their identities, all locked, as far as they are there."""
        before = await self._identities(tx, workspace_id, [one, other])
        await self.lock_customers(
            tx, {(workspace_id, identity) for known in before.values() for identity in known}
        )
        rows = await tx.execute(_LOCK_BOTH, {"workspace_id": workspace_id, "ids": [one, other]})
        found = {row["customer_id"]: to_customer(row) for row in rows.mappings()}
        if await self._identities(tx, workspace_id, [one, other]) != before:
            raise Collision("the customers' identities have changed meanwhile")
        return {key: (customer, frozenset(before.get(key, ()))) for key, customer in found.items()}

    async def move_identities(self, tx: Tx, source: CustomerKey, target: UUID) -> None:
        """Makes a locked customer's identities another one's."""
        await tx.execute(_MOVE_IDENTITIES, {**_of(source), "target": target})

    async def move_messages(self, tx: Tx, source: CustomerKey, target: UUID) -> None:
        """Makes what a customer wrote another one's, and whoever was merged into them before."""
        for statement in (_MOVE_MESSAGES, _MOVE_MERGED):
            await tx.execute(statement, {**_of(source), "target": target})

    async def add_history(self, tx: Tx, entry: CustomerHistory) -> None:
        """Keeps who merged or erased a customer."""
        values = {name: getattr(entry, name) for name in CustomerHistory.__dataclass_fields__}
        await tx.execute(insert(tables.customer_history).values(values))

    async def lock_next(
        self, tx: Tx, workspace_id: str, after: UUID | None, most: int
    ) -> list[tuple[Ticket, Customer]]:
        """The next tickets of a workspace with their customers, by id."""
        rows = await tx.execute(_NEXT, {"workspace_id": workspace_id, "after": after or _NIL, "most": most})
        tickets = [to_ticket(row) for row in rows.mappings()]
        customers = await self.customers(tx, {(workspace_id, ticket.customer_id) for ticket in tickets})
        return [(ticket, customers[workspace_id, ticket.customer_id]) for ticket in tickets]

    async def find(
        self, tx: Tx, workspace_id: str, values: Collection[str] | None, before: UUID | None, most: int
    ) -> list[tuple[Customer, list[Identity]]]:
        """The newest customers, or those with an identity of one of these values; before one of them."""
        parameters: dict[str, object] = {
            "workspace_id": workspace_id,
            "before": before or UUID(int=2**128 - 1),
            "most": most,
        }
        if values is None:
            rows = (await tx.execute(_LIST, parameters)).mappings()
        else:
            found_by = {"kinds": [kind.value for kind in IdentityKind], "values": list(values)}
            rows = (await tx.execute(_FIND, {**parameters, **found_by})).mappings()
        customers = {row["customer_id"]: to_customer(row) for row in rows}
        identities = await self._identities(tx, workspace_id, customers)
        return [(customer, identities.get(key, [])) for key, customer in customers.items()]

    async def get(self, tx: Tx, key: CustomerKey) -> tuple[Customer, list[Identity]]:
        """One customer, or who they turned out to be. Raises NotFound."""
        found = await self.customers(tx, [key])
        if not found:
            raise NotFound("There is no such customer.")
        customer = found[key]
        if customer.merged_into is not None:
            return await self.get(tx, (key[0], customer.merged_into))
        return customer, (await self._identities(tx, key[0], [key[1]])).get(key[1], [])

    async def history(self, tx: Tx, key: CustomerKey) -> list[CustomerHistory]:
        """What was done to a customer as a whole, the oldest first."""
        t = tables.customer_history.c
        query = select(tables.customer_history).where(t.workspace_id == key[0], t.customer_id == key[1])
        rows = (await tx.execute(query.order_by(t.at, t.action))).mappings()
        return [CustomerHistory(**row) for row in rows]

    async def _identities(self, tx: Tx, workspace_id: str, ids: Collection[UUID]) -> dict[UUID, list[Identity]]:
        rows = await tx.execute(_IDENTITIES, {"workspace_id": workspace_id, "ids": list(ids)})
        found: dict[UUID, list[Identity]] = {}
        for row in rows:
            identity = Identity(kind=IdentityKind(row.kind), value=row.value)
            found.setdefault(row.customer_id, []).append(identity)
        return found


def _of(key: CustomerKey) -> dict[str, object]:
    return {"workspace_id": key[0], "customer_id": key[1]}
