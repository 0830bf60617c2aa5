"""Customers and the identities that point to them, in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import RowMapping, text

from services.intake.adapters import tables
from services.intake.adapters.tickets import pairs
from services.intake.app.ports import CustomerKey, IdentityKey
from services.intake.domain.customer import Customer
from services.intake.domain.message import Identity
from shared.db.engine import Collision
from shared.db.sets import insert_new_set, insert_set, transposed
from shared.db.unit_of_work import Tx

CUSTOMER = (
    *("workspace_id", "customer_id", "name", "tier", "language", "time_zone", "organisation_id"),
    *("do_not_contact", "merged_into", "erased_at", "version"),
)
_IDENTITY = ("workspace_id", "kind", "value", "customer_id")

_ADD_CUSTOMERS = insert_set(tables.customer, CUSTOMER)
_ADD_IDENTITIES = insert_new_set(tables.identity, _IDENTITY).returning(tables.identity.c.customer_id)
_LOCK_IDENTITIES = text(
    "SELECT i.workspace_id, i.kind, i.value, i.customer_id"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:kinds AS text[]), CAST(:values AS text[]))"
    " AS w (workspace_id, kind, value) JOIN identity i USING (workspace_id, kind, value)"
    " ORDER BY i.workspace_id, i.kind, i.value FOR UPDATE OF i"
)
_CUSTOMERS = text(
    "SELECT c.* FROM unnest(CAST(:workspaces AS text[]), CAST(:ids AS uuid[])) AS w (workspace_id, customer_id)"
    " JOIN customer c USING (workspace_id, customer_id)"
)


class PostgresCustomers:
    """Implements the port `Customers`."""

    async def lock_customers(self, tx: Tx, keys: Collection[IdentityKey]) -> dict[IdentityKey, Customer]:
        """The customers behind identities that are known; the identities stay locked."""
        if not keys:
            return {}
        ordered = sorted(keys, key=lambda key: (key[0], key[1].kind, key[1].value))
        rows = await tx.execute(
            _LOCK_IDENTITIES,
            {
                "workspaces": [key[0] for key in ordered],
                "kinds": [key[1].kind.value for key in ordered],
                "values": [key[1].value for key in ordered],
            },
        )
        found = {(row.workspace_id, row.kind, row.value): row.customer_id for row in rows}
        # Read behind the lock: whoever changes a customer holds their identities.
        customers = await self.customers(tx, {(name[0], customer_id) for name, customer_id in found.items()})
        return {
            key: customers[key[0], found[name]]
            for key in ordered
            if (name := (key[0], key[1].kind.value, key[1].value)) in found
        }

    async def customers(self, tx: Tx, keys: Collection[CustomerKey]) -> dict[CustomerKey, Customer]:
        """Customers by their id, not locked."""
        if not keys:
            return {}
        rows = (await tx.execute(_CUSTOMERS, pairs(keys))).mappings()
        return {(row["workspace_id"], row["customer_id"]): to_customer(row) for row in rows}

    async def add_customers(self, tx: Tx, customers: Mapping[IdentityKey | UUID, Customer]) -> None:
        """New customers with the identities that point to them.

        Raises Collision where somebody else was faster with an identity.
        """
        if not customers:
            return
        unique = {customer.customer_id: customer for customer in customers.values()}
        await tx.execute(_ADD_CUSTOMERS, transposed(map(_row, unique.values()), CUSTOMER))
        named = [
            (key[0], key[1], customer.customer_id) for key, customer in customers.items() if isinstance(key, tuple)
        ]
        if named:
            await self.add_identities(tx, named)

    async def add_identities(self, tx: Tx, named: Sequence[tuple[str, Identity, UUID]]) -> None:
        """New identities of customers: workspace, identity, customer.

        Raises Collision where somebody else was faster with one.
        """
        values = sorted((workspace, who.kind.value, who.value, customer) for workspace, who, customer in named)
        rows = [dict(zip(_IDENTITY, row, strict=True)) for row in values]
        added = (await tx.execute(_ADD_IDENTITIES, transposed(rows, _IDENTITY))).all()
        if len(added) != len(named):
            raise Collision("somebody else was faster with an identity")


def to_customer(row: RowMapping) -> Customer:
    """A customer of a row."""
    return Customer(**{name: row[name] for name in CUSTOMER})


def _row(customer: Customer) -> dict[str, object]:
    return {name: getattr(customer, name) for name in CUSTOMER}
