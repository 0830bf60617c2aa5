"""Customers to look at and to change, in PostgreSQL."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text, update

from services.intake.adapters import tables
from services.intake.adapters.customers import CUSTOMER, PostgresCustomers, to_customer
from services.intake.adapters.tickets import PostgresTickets, to_ticket
from services.intake.app.ports import CustomerKey
from services.intake.domain.customer import Customer
from services.intake.domain.message import Identity, IdentityKind
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
_UNSOLVED = text(
    "SELECT t.* FROM ticket t WHERE t.workspace_id = :workspace_id AND t.customer_id = :customer_id"
    " AND t.status NOT IN ('solved', 'closed') AND t.ticket_id > :after"
    " ORDER BY t.ticket_id LIMIT :most FOR UPDATE"
)
_NEXT = text(
    "SELECT t.* FROM ticket t WHERE t.workspace_id = :workspace_id AND t.ticket_id > :after"
    " ORDER BY t.ticket_id LIMIT :most FOR UPDATE"
)
_LIST = text(
    "SELECT c.* FROM customer c WHERE c.workspace_id = :workspace_id AND c.customer_id < :before"
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

    async def lock_unsolved(self, tx: Tx, key: CustomerKey, after: UUID | None, most: int) -> list[Ticket]:
        """The next unsolved tickets of a customer, by id."""
        rows = await tx.execute(_UNSOLVED, {**_of(key), "after": after or _NIL, "most": most})
        return [to_ticket(row) for row in rows.mappings()]

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
        """One customer. Raises NotFound."""
        found = await self.customers(tx, [key])
        if not found:
            raise NotFound("There is no such customer.")
        return found[key], (await self._identities(tx, key[0], [key[1]])).get(key[1], [])

    async def _identities(self, tx: Tx, workspace_id: str, ids: Collection[UUID]) -> dict[UUID, list[Identity]]:
        rows = await tx.execute(_IDENTITIES, {"workspace_id": workspace_id, "ids": list(ids)})
        found: dict[UUID, list[Identity]] = {}
        for row in rows:
            identity = Identity(kind=IdentityKind(row.kind), value=row.value)
            found.setdefault(row.customer_id, []).append(identity)
        return found


def _of(key: CustomerKey) -> dict[str, object]:
    return {"workspace_id": key[0], "customer_id": key[1]}
